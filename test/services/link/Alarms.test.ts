import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { Alarms } from "../../../src/services/link/Alarms.ts"

/** Alarms that write down when they rang. */
const start = Effect.gen(function* () {
  const alarms = yield* Alarms.make
  const rung: Array<readonly [string, number]> = []
  const set = (due: number, name: string) => alarms.set(due, (now) => void rung.push([name, now]))
  yield* TestClock.adjust(0)
  return { alarms, rung, set }
})

describe("Alarms", () => {
  it.effect("ring at their time, in its order, and in theirs where it is the same", () =>
    Effect.gen(function* () {
      const { rung, set } = yield* start
      set(300, "c")
      set(100, "a")
      set(200, "b")
      set(100, "a again")
      yield* TestClock.adjust(99)
      assert.deepStrictEqual(rung, [])
      yield* TestClock.adjust(901)
      assert.deepStrictEqual(rung, [
        ["a", 100],
        ["a again", 100],
        ["b", 200],
        ["c", 300]
      ])
    })
  )

  it.effect("wake whoever sleeps for a later one", () =>
    Effect.gen(function* () {
      const { rung, set } = yield* start
      set(10_000, "late")
      yield* TestClock.adjust(1_000)
      set(1_500, "soon")
      yield* TestClock.adjust(500)
      assert.deepStrictEqual(rung, [["soon", 1_500]])
      yield* TestClock.adjust(8_500)
      assert.deepStrictEqual(rung.at(-1), ["late", 10_000])
    })
  )

  it.effect("never ring before they are set, however long past their time is", () =>
    Effect.gen(function* () {
      const { rung, set } = yield* start
      yield* TestClock.adjust(1_000)
      set(10, "past")
      assert.deepStrictEqual(rung, [])
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(rung, [["past", 1_000]])
    })
  )

  it.effect("do not ring when they are cancelled, nor twice", () =>
    Effect.gen(function* () {
      const { rung, set } = yield* start
      const first = set(100, "cancelled")
      set(100, "kept")
      first.cancel()
      yield* TestClock.adjust(1_000)
      assert.deepStrictEqual(rung, [["kept", 100]])
    })
  )

  it.effect("may set others, which ring in their turn", () =>
    Effect.gen(function* () {
      const { alarms } = yield* start
      const at: Array<number> = []
      const again = (now: number): void => {
        at.push(now)
        if (at.length < 4) alarms.set(now + 250, again)
      }
      alarms.set(0, again)
      yield* TestClock.adjust(1_000)
      assert.deepStrictEqual(at, [0, 250, 500, 750])
    })
  )
})
