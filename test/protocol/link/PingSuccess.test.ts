import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Heartbeat from "../../../src/protocol/link/Heartbeat.ts"
import * as PingSuccess from "../../../src/protocol/link/PingSuccess.ts"

const timeout = 5_000
const beats = (more: Partial<PingSuccess.Beats>): PingSuccess.Beats => ({
  sent: 0,
  matched: 0,
  unknown: 0,
  outstanding: [],
  ...more
})

describe("the success of pings", () => {
  it("is nothing as long as no ping has been judged", () => {
    assert.isUndefined(PingSuccess.ratio(PingSuccess.none))
    const fresh = PingSuccess.ofOpen(beats({ sent: 1, outstanding: [{ sentAt: 9_000 }] }), 10_000, timeout)
    assert.isUndefined(PingSuccess.ratio(fresh))
  })

  it("leaves a ping out while it is in flight, and counts it against the peer from its time-out on", () => {
    const waiting = beats({ sent: 10, matched: 9, outstanding: [{ sentAt: 1_000 }] })
    assert.strictEqual(PingSuccess.ratio(PingSuccess.ofOpen(waiting, 1_000 + timeout - 1, timeout)), 1)
    assert.strictEqual(PingSuccess.ratio(PingSuccess.ofOpen(waiting, 1_000 + timeout, timeout)), 0.9)
  })

  it("does not count a late pong as an answer", () => {
    const slow = PingSuccess.ofOpen(beats({ sent: 10, matched: 10, late: 2 }), 0, timeout)
    assert.strictEqual(PingSuccess.ratio(slow), 0.8)
    assert.strictEqual(slow.inTime + slow.late, 10)
  })

  it("forgives what was in flight when this side closed, and only that", () => {
    const left = beats({ sent: 10, matched: 8, outstanding: [{ sentAt: 0 }, { sentAt: 9_000 }] })
    const here = PingSuccess.ofEnded(left, 10_000, timeout, true)
    assert.strictEqual(here.abandoned, 1)
    assert.strictEqual(PingSuccess.ratio(here), 8 / 9)
    const there = PingSuccess.ofEnded(left, 10_000, timeout, false)
    assert.strictEqual(there.abandoned, 0)
    assert.strictEqual(PingSuccess.ratio(there), 0.8)
  })

  it("of several connections is that of all their pings", () => {
    const one = PingSuccess.ofEnded(beats({ sent: 1, matched: 0 }), 0, timeout, false)
    const other = PingSuccess.ofOpen(beats({ sent: 9, matched: 9, unknown: 3 }), 0, timeout)
    const both = PingSuccess.add(one, other)
    assert.strictEqual(PingSuccess.ratio(both), 0.9)
    assert.strictEqual(both.unknown, 3)
  })

  const Delay = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9_000 }))
  const Fate = Schema.Struct({ delay: Delay, lost: Schema.Boolean })
  const Silences = Schema.Array(Fate).check(Schema.isMaxLength(40))

  it.prop(
    "is what a referee counts who sees every ping and every pong",
    [Silences, Schema.Boolean],
    ([fates, here]) => {
      const profile = Heartbeat.profiles.fast
      let state = Heartbeat.initial(0)
      let late = 0
      const sent = new Map<bigint, number>()
      const answered = new Map<bigint, number>()
      let now = 0
      const pong = (nonce: bigint) => {
        const waits = state.outstanding.some((ping) => ping.nonce === nonce)
        state = Heartbeat.step(profile, state, { _tag: "Pong", now, nonce }).state
        if (!waits) return
        answered.set(nonce, now - sent.get(nonce)!)
        if (now - sent.get(nonce)! > profile.timeout) late++
      }
      const due: Array<{ readonly at: number; readonly nonce: bigint }> = []
      for (const [index, { delay, lost }] of fates.entries()) {
        const next = index * 2_000
        for (const { at, nonce } of due.filter(({ at }) => at > now && at <= next).toSorted((a, b) => a.at - b.at)) {
          now = at
          pong(nonce)
        }
        now = next
        const nonce = BigInt(index)
        state = Heartbeat.step(profile, state, { _tag: "Probe", now, nonce }).state
        sent.set(nonce, now)
        if (!lost) due.push({ at: now + Math.max(1, delay), nonce })
      }
      now += 1
      const pings = PingSuccess.ofEnded({ ...state, late }, now, profile.timeout, here)
      const good = [...answered.values()].filter((took) => took <= profile.timeout).length
      const waits = new Set(state.outstanding.map(({ nonce }) => nonce))
      const flying = [...sent].filter(([nonce, at]) => waits.has(nonce) && now - at < profile.timeout).length
      const judged = sent.size - (here ? flying : 0)
      assert.strictEqual(PingSuccess.ratio(pings), judged === 0 ? undefined : good / judged)
    }
  )
})
