import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as LaneDials from "../../../src/protocol/link/LaneDials.ts"

const policy: LaneDials.Policy = { baseMillis: 1_000, capMillis: 60_000, stableMillis: 5_000 }
const next = (state: LaneDials.State, now: number): string => {
  const it = LaneDials.next(state, now)
  return it._tag === "Dial" ? `dial ${it.lane}` : `wait ${it.millis ?? "for an event"}`
}
const steps = (state: LaneDials.State, ...events: ReadonlyArray<LaneDials.Event>): LaneDials.State =>
  events.reduce((before, event) => LaneDials.step(policy, before, event), state)

describe("the dials of lanes", () => {
  it("come one after the other", () => {
    let state = LaneDials.initial(3, 100)
    assert.strictEqual(next(state, 100), "dial 1")
    state = steps(state, { _tag: "Dialled", lane: 1 })
    assert.strictEqual(next(state, 100), "wait for an event")
    state = steps(state, { _tag: "Opened", lane: 1, now: 120 })
    assert.strictEqual(next(state, 120), "dial 2")
    state = steps(state, { _tag: "Dialled", lane: 2 }, { _tag: "Opened", lane: 2, now: 130 })
    assert.strictEqual(next(state, 130), "wait for an event")
    assert.strictEqual(next(LaneDials.initial(1, 0), 0), "wait for an event")
  })

  it("are repeated with back-off, at first within a second after a lane that was stable", () => {
    const dialled = steps(LaneDials.initial(2, 0), { _tag: "Dialled", lane: 1 })
    const failed = steps(dialled, { _tag: "Ended", lane: 1, now: 0, random: 0.5 })
    assert.strictEqual(next(failed, 0), "wait 1000")
    assert.strictEqual(next(failed, 1_000), "dial 1")
    const again = steps(failed, { _tag: "Dialled", lane: 1 }, { _tag: "Ended", lane: 1, now: 0, random: 0.5 })
    assert.strictEqual(next(again, 0), "wait 2000")
    const open = steps(again, { _tag: "Dialled", lane: 1 }, { _tag: "Opened", lane: 1, now: 0 })
    assert.strictEqual(next(steps(open, { _tag: "Ended", lane: 1, now: 4_999, random: 0.5 }), 4_999), "wait 4000")
    assert.strictEqual(next(steps(open, { _tag: "Ended", lane: 1, now: 5_000, random: 0.5 }), 5_000), "wait 500")
  })

  const Steps = Schema.Array(
    Schema.Struct({
      millis: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20_000 })),
      opens: Schema.Boolean,
      ends: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })),
      random: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1, exclusiveMaximum: true }))
    })
  ).check(Schema.isMaxLength(80))

  it.prop(
    "whatever happens: one at a time, never before its time, and every lane within a minute",
    [Steps],
    ([all]) => {
      const lanes = 4
      let now = 0
      let state = LaneDials.initial(lanes, now)
      for (const { ends, millis, opens, random } of all) {
        now += millis
        const due = LaneDials.next(state, now)
        if (due._tag === "Dial") {
          const lane = state[due.lane - 1]!
          assert.isTrue(lane.phase === "waits" && lane.notBefore <= now)
          state = steps(state, { _tag: "Dialled", lane: due.lane })
          assert.strictEqual(next(state, now), "wait for an event")
          state = steps(
            state,
            opens ? { _tag: "Opened", lane: due.lane, now } : { _tag: "Ended", lane: due.lane, now, random }
          )
        }
        const lost = state[ends]
        if (lost?.phase === "open") state = steps(state, { _tag: "Ended", lane: ends + 1, now, random })
        assert.strictEqual(state.length, lanes - 1)
        for (const lane of state) {
          if (lane.phase === "waits") assert.isAtMost(lane.notBefore - now, policy.capMillis)
        }
      }
      now += policy.capMillis
      const waiting = state.filter(({ phase }) => phase === "waits").length
      for (let count = 0; count < waiting; count++) {
        const due = LaneDials.next(state, now)
        assert.strictEqual(due._tag, "Dial")
        if (due._tag === "Dial")
          state = steps(state, { _tag: "Dialled", lane: due.lane }, { _tag: "Opened", lane: due.lane, now })
      }
      assert.isTrue(state.every(({ phase }) => phase === "open"))
    }
  )
})
