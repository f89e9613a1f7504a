import { assert, describe, it } from "@effect/vitest"
import * as Histogram from "../../../src/protocol/Histogram.ts"
import * as PingSuccess from "../../../src/protocol/link/PingSuccess.ts"
import { NodeKey } from "../../../src/protocol/NodeKey.ts"
import type { EndReason } from "../../../src/services/link/Ended.ts"
import * as LinkMeter from "../../../src/services/link/LinkMeter.ts"
import type { Counters } from "../../../src/services/link/LinkObserver.ts"

const keyOf = (n: number) => NodeKey.make(String(n).padStart(2, "0").repeat(32))

/** A meter with a clock and connections that the test moves by hand. */
const stage = () => {
  let now = 0
  const meter = LinkMeter.make(() => now, 5_000)
  const { entered, left, noted } = meter.observer
  const counters = new Map<number, { -readonly [K in keyof Counters]: Counters[K] }>()
  const about = (id: number) =>
    ({ connection: id, direction: id % 2 === 0 ? "inbound" : "outbound", remote: "x" }) as const
  return {
    meter,
    counters: (id: number) => counters.get(id)!,
    pass: (millis: number) => void (now += millis),
    opening: (id: number) => noted({ ...about(id), to: "opening" }),
    candidate: (id: number, peer: NodeKey) => {
      noted({ ...about(id), peer, from: "opening", to: "candidate" })
      counters.set(id, {
        framesIn: 0,
        framesOut: 0,
        bytesIn: 0,
        heartbeat: { sent: 0, matched: 0, unknown: 0, outstanding: [] }
      })
      entered(peer, Object.assign(counters.get(id)!, { id }))
    },
    active: (id: number, peer: NodeKey) => noted({ ...about(id), peer, from: "candidate", to: "active", session: 1n }),
    closed: (id: number, peer: NodeKey, reason: EndReason) => {
      noted({ ...about(id), peer, from: "active", to: "closed", reason })
      left(peer, id)
    },
    neverOpened: (id: number, reason: EndReason) => noted({ ...about(id), from: "opening", to: "closed", reason })
  }
}

describe("the meter of links", () => {
  it("counts peers and not connections, and never fewer while one takes the place of another", () => {
    const { active, candidate, closed, meter, opening } = stage()
    const a = keyOf(1)
    for (const id of [1, 2]) {
      opening(id)
      candidate(id, a)
    }
    assert.strictEqual(meter.reading().sessions, 0)
    active(1, a)
    active(2, a)
    assert.strictEqual(meter.reading().sessions, 1)
    assert.deepStrictEqual(meter.reading().connections, { opening: 0, candidate: 0, active: 2, lane: 0 })
    closed(1, a, "replaced")
    assert.strictEqual(meter.reading().sessions, 1)
    assert.strictEqual(meter.sessions().length, 1)
    opening(4)
    candidate(4, keyOf(2))
    active(4, keyOf(2))
    assert.strictEqual(meter.reading().sessions, 2)
    closed(2, a, "network")
    closed(4, keyOf(2), "silent")
    assert.deepInclude(meter.reading(), { sessions: 0, connections: { opening: 0, candidate: 0, active: 0, lane: 0 } })
  })

  it("counts starts and ends by direction and reason, and what came to no session apart", () => {
    const { active, candidate, closed, meter, neverOpened, opening } = stage()
    for (const id of [1, 3, 2]) {
      opening(id)
      candidate(id, keyOf(id))
      active(id, keyOf(id))
    }
    closed(1, keyOf(1), "silent")
    closed(3, keyOf(3), "silent")
    closed(2, keyOf(2), "goodbye")
    opening(5)
    candidate(5, keyOf(5))
    closed(5, keyOf(5), "rejected")
    opening(4)
    neverOpened(4, "handshake-failed")
    const { connections, ended, failed, started } = meter.reading()
    assert.deepStrictEqual(started, { inbound: 1, outbound: 2 })
    assert.deepStrictEqual(Object.fromEntries(ended), { "outbound silent": 2, "inbound goodbye": 1 })
    assert.deepStrictEqual(Object.fromEntries(failed), { "outbound rejected": 1, "inbound handshake-failed": 1 })
    assert.deepStrictEqual(connections, { opening: 0, candidate: 0, active: 0, lane: 0 })
  })

  it("measures handshakes from the open socket to the session, and sessions from there to their end", () => {
    const { active, candidate, closed, meter, opening, pass } = stage()
    opening(1)
    pass(3)
    candidate(1, keyOf(1))
    pass(4)
    active(1, keyOf(1))
    pass(90_000)
    closed(1, keyOf(1), "goodbye")
    const { handshakeSeconds, sessionSeconds } = meter.reading()
    assert.deepStrictEqual([Histogram.size(handshakeSeconds), handshakeSeconds.sum], [1, 0.007])
    assert.deepStrictEqual([Histogram.size(sessionSeconds), sessionSeconds.sum], [1, 90])
  })

  it("keeps the counters of a connection that is over, and adds them once", () => {
    const { active, candidate, closed, counters, meter, opening, pass } = stage()
    const roundTrips = Histogram.add(Histogram.empty(PingSuccess.roundTripBounds), 7)
    for (const id of [1, 2]) {
      opening(id)
      candidate(id, keyOf(id))
      active(id, keyOf(id))
      Object.assign(counters(id), { framesIn: 10, framesOut: 20, bytesIn: 300, bytesOut: 400, queuedBytes: id * 50 })
      counters(id).heartbeat = { sent: 5, matched: 4, unknown: 1, late: 1, roundTrips, outstanding: [{ sentAt: 100 }] }
    }
    pass(200)
    const before = meter.reading()
    assert.deepInclude(before, { queuedBytes: 150, largestQueueBytes: 100 })
    assert.deepStrictEqual(before.pings, { sent: 10, inTime: 6, late: 2, unknown: 2, waiting: 2, abandoned: 0 })
    closed(1, keyOf(1), "network")
    closed(2, keyOf(2), "shutdown")
    const after = meter.reading()
    assert.deepStrictEqual(after.traffic, { framesIn: 20, framesOut: 40, bytesIn: 600, bytesOut: 800 })
    assert.deepStrictEqual(after.pings, { sent: 10, inTime: 6, late: 2, unknown: 2, waiting: 0, abandoned: 1 })
    assert.strictEqual(Histogram.size(after.roundTrips), 2)
    assert.deepInclude(after, { queuedBytes: 0, largestQueueBytes: 0 })
    assert.deepStrictEqual(meter.reading(), after)
  })

  it("counts dials by what came of them, and times those that connect", () => {
    const { meter, pass } = stage()
    const end = meter.observer.dialling("a:1")
    pass(20)
    end("connected")
    meter.observer.dialling("a:1")("refused")
    meter.observer.dialling("b:1")("refused")
    const { dialSeconds, dials } = meter.reading()
    assert.deepStrictEqual(Object.fromEntries(dials), { connected: 1, refused: 2 })
    assert.deepStrictEqual([Histogram.size(dialSeconds), dialSeconds.sum], [1, 0.02])
  })
})
