import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import type { Ended } from "../../../src/services/link/Ended.ts"
import * as WakeUp from "../../../src/services/link/WakeUp.ts"
import { skewed } from "../../support/SkewedClock.ts"
import { pass, settle } from "../../support/VirtualTime.ts"

describe("a standstill", () => {
  const watching = Effect.gen(function* () {
    const clock = yield* skewed
    const woken: Array<number> = []
    yield* Effect.forkChild(
      Effect.provideService(
        WakeUp.watch(5_000, (late) => Effect.sync(() => void woken.push(Math.round(late)))),
        Clock.Clock,
        clock
      )
    )
    yield* pass("1 hour")
    assert.deepStrictEqual(woken, [])
    return { clock, woken }
  })

  it.effect("is noticed by a timer that is late, once", () =>
    Effect.gen(function* () {
      const { clock, woken } = yield* watching
      clock.jump(30_000)
      yield* pass("10 minutes")
      assert.deepStrictEqual(woken, [30_000])
    })
  )

  it.effect("of the machine is noticed by the wall clock alone", () =>
    Effect.gen(function* () {
      const { clock, woken } = yield* watching
      clock.setWall(8 * 3_600_000)
      yield* pass("10 minutes")
      assert.deepStrictEqual(woken, [8 * 3_600_000])
    })
  )

  it.effect("is nothing that a busy moment or a clock set back looks like", () =>
    Effect.gen(function* () {
      const { clock, woken } = yield* watching
      clock.jump(4_999)
      yield* pass("1 minute")
      clock.setWall(-3_600_000)
      yield* pass("1 minute")
      assert.deepStrictEqual(woken, [])
    })
  )
})

/** A connection that answers within so many milliseconds, once it is asked for the nth time, or never. */
const connection = (answersAfter: number | undefined, nth = 1) => {
  const asked: Array<number> = []
  const ends: Array<Ended> = []
  return {
    asked,
    ends,
    probe: (millis: number, report: (answered: boolean) => void) => {
      asked.push(millis)
      report(answersAfter !== undefined && asked.length >= nth && answersAfter < millis)
    },
    end: (reason: Ended) => void ends.push(reason)
  }
}

describe("asking everybody", () => {
  it.effect("ends who gives no sign of life in time, and nobody else", () =>
    Effect.gen(function* () {
      const [alive, dead, unheard] = [connection(100), connection(undefined), connection(100)]
      const silent = { ...unheard, probe: () => undefined }
      yield* Effect.forkChild(WakeUp.ask([alive, dead, silent], 2_000))
      yield* pass(2_000)
      assert.deepStrictEqual(dead.ends, [])
      yield* pass(1)
      assert.deepStrictEqual(
        dead.ends.map(({ reason }) => reason),
        ["silent"]
      )
      // Whose probe another one has taken the place of is not judged.
      assert.deepStrictEqual([alive.ends, silent.ends], [[], []])
      assert.deepStrictEqual([alive.asked, dead.asked], [[2_000], [2_000]])
    })
  )

  it.effect("judges nobody while this node itself is late, and asks again", () =>
    Effect.gen(function* () {
      const clock = yield* skewed
      const [late, dead, alive] = [connection(100, 2), connection(undefined), connection(100)]
      yield* Effect.forkChild(Effect.provideService(WakeUp.ask([late, dead, alive], 2_000), Clock.Clock, clock))
      yield* settle
      clock.jump(1_000)
      yield* pass(2_001)
      assert.deepStrictEqual([late.ends, dead.ends], [[], []])
      assert.deepStrictEqual([late.asked.length, dead.asked.length, alive.asked.length], [2, 2, 1])
      yield* pass(2_001)
      assert.deepStrictEqual([late.ends.length, dead.ends.length], [0, 1])
    })
  )

  it.effect("gives up judging when it is late every time", () =>
    Effect.gen(function* () {
      const clock = yield* skewed
      const dead = connection(undefined)
      yield* Effect.forkChild(Effect.provideService(WakeUp.ask([dead], 2_000), Clock.Clock, clock))
      for (let i = 0; i < 20; i++) {
        yield* settle
        clock.jump(1_000)
        yield* pass(2_001)
      }
      assert.strictEqual(dead.asked.length, 5)
      assert.deepStrictEqual(dead.ends, [])
    })
  )
})
