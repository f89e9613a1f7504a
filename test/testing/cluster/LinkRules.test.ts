import { assert, describe, it } from "@effect/vitest"
import * as NodeKey from "../../../src/protocol/NodeKey.ts"
import { Kind } from "../../../src/protocol/link/Frame.ts"
import { initial } from "../../../src/protocol/link/Heartbeat.ts"
import type { Connection } from "../../../src/services/link/Connection.ts"
import type { Registry } from "../../../src/services/link/Registry.ts"
import type { Transition } from "../../../src/services/link/Transition.ts"
import { silent } from "../../../src/services/link/WakeUp.ts"
import { keptRate } from "../../../src/testing/cluster/DialRate.ts"
import { keptBackOff } from "../../../src/testing/cluster/Dials.ts"
import { noticed } from "../../../src/testing/cluster/Endings.ts"
import { trueReason } from "../../../src/testing/cluster/Farewells.ts"
import { Line } from "../../../src/testing/cluster/Line.ts"
import { LinkRules } from "../../../src/testing/cluster/LinkRules.ts"
import { awaited, leftAlone } from "../../../src/testing/cluster/Restraint.ts"
import { commitStands, letIn } from "../../../src/testing/cluster/Readmission.ts"
import type { Grounded } from "../../../src/testing/cluster/Restores.ts"
import type { NodeView } from "../../../src/testing/cluster/Scenario.ts"
import { condemnsNobody } from "../../../src/testing/cluster/Stillness.ts"
import type { FaultPlan } from "../../../src/testing/faults/FaultPlan.ts"
import { linkConfig } from "../../../src/testing/faults/Knobs.ts"
import { endOf, planWith, watched } from "./Watched.ts"

type Known = Pick<Registry["Service"], "recent" | "sessions" | "session">

/** "a" is the arbiter of "b". */
const world = (plan: FaultPlan = planWith(), known: Partial<Known> = {}) => {
  const registry = { recent: () => [], sessions: () => [], session: () => undefined, ...known } as unknown
  const nodeOf = (name: string, byte: string): NodeView => ({
    name,
    key: NodeKey.NodeKey.make(byte.repeat(64)),
    life: 1,
    state: "running",
    registry: registry as Registry["Service"]
  })
  const [a, b] = [nodeOf("a", "1"), nodeOf("b", "2")]
  const view = { nodes: [a, b], now: 0 }
  const { violations, watching } = watched()
  const rules = new LinkRules({ ...watching, view }, plan)
  const frame = (from: NodeView, to: NodeView, kind: number) =>
    rules.frame(from as NodeView & Grounded, to as NodeView & Grounded, kind)
  return { a, b, view, rules, frame, broken: () => violations.map(([property]) => property) }
}

const fromB = { node: "b", life: 1, to: "a" }
const fromA = { node: "a", life: 1, to: "b" }
const candidate = (connection: number): Transition => endOf("closed", { connection, from: "opening", to: "candidate" })
const active = (connection: number, session: bigint): Transition =>
  endOf("closed", { connection, from: "candidate", to: "active", session })
const duplicate = (reason: "rejected" | "refused", connection: number): Transition =>
  endOf(reason, { connection, from: "candidate", detail: "duplicate: another connection is the session" })

describe("a peer that comes back", () => {
  it("is not refused in favour of a session of an earlier process", () => {
    const { a, b, broken, frame, rules } = world()
    frame(a, b, Kind.Commit)
    frame(b, a, Kind.Hello)
    rules.transition(fromB, candidate(1))
    rules.transition(fromB, duplicate("rejected", 1))
    assert.deepStrictEqual(broken(), [letIn])
  })

  it("may be refused in favour of a session of the same process, and after a restore", () => {
    const { a, b, broken, frame, rules } = world()
    frame(b, a, Kind.Hello)
    frame(a, b, Kind.Commit)
    rules.transition(fromB, candidate(1))
    rules.transition(fromB, duplicate("rejected", 1))
    const other = world()
    other.rules.restored("b")
    other.frame(other.b, other.a, Kind.Hello)
    other.rules.transition(fromB, candidate(1))
    other.rules.transition(fromB, duplicate("rejected", 1))
    assert.deepStrictEqual([...broken(), ...other.broken()], [])
  })

  const lost = (plan: FaultPlan, last: bigint) => {
    const { a, b, broken, frame, rules } = world(plan, { recent: () => [active(9, last)] })
    frame(b, a, Kind.Hello)
    frame(a, b, Kind.Commit)
    rules.transition(fromB, candidate(1))
    rules.transition(fromB, active(1, 4n))
    rules.transition(fromB, endOf("silent", { connection: 1 }))
    rules.transition(fromB, candidate(2))
    rules.transition(fromB, duplicate("rejected", 2))
    return broken()
  }
  it("is not refused in favour of a session that it has lost, unless the other one has begun another", () => {
    assert.deepStrictEqual(lost(planWith(), 4n), [letIn])
    assert.deepStrictEqual(lost(planWith(), 5n), [])
    const forgets = { _tag: "Buggify", node: "b", site: "link.idle-pair-forgotten", share: 1, for: 1 } as const
    assert.deepStrictEqual(lost(planWith(forgets), 4n), [])
  })
})

describe("a commit", () => {
  const refused = (between: ReadonlyArray<Transition>) => {
    const { broken, rules } = world()
    for (const transition of [candidate(1), ...between, duplicate("refused", 1)]) rules.transition(fromB, transition)
    return broken()
  }
  it("is refused as a duplicate only if a session has come since it was asked for", () => {
    assert.deepStrictEqual(refused([]), [commitStands])
    assert.deepStrictEqual(refused([active(2, 1n)]), [])
  })

  it("is the arbiter's to refuse", () => {
    const { broken, rules } = world()
    rules.transition(fromA, candidate(1))
    rules.transition(fromA, duplicate("refused", 1))
    assert.deepStrictEqual(broken(), [])
  })
})

describe("a node that has stood still", () => {
  const silentAfter = (paused: number, after: number, connection = 7, detail = "in words") => {
    const live = { connection: { id: 7 } } as ReturnType<Known["sessions"]>[number]
    const { a, broken, rules, view } = world(planWith(), { sessions: () => [live] })
    rules.paused("a")
    view.now += paused * 1_000
    rules.resumed(a)
    view.now += after * 1_000
    rules.transition(fromA, endOf("silent", { connection, detail }))
    return broken()
  }
  it("gives nobody up before it has asked", () => {
    assert.deepStrictEqual(silentAfter(30_000, 0), [condemnsNobody])
    assert.deepStrictEqual(silentAfter(30_000, 13_000), [condemnsNobody])
    assert.deepStrictEqual(silentAfter(30_000, 14_000), [])
    assert.deepStrictEqual(silentAfter(29_000, 0), [])
    assert.deepStrictEqual(silentAfter(30_000, 0, 8), [])
  })

  it("gives up who does not answer when it asks everybody", () => {
    const { probeTimeout } = linkConfig({})
    const detail = silent(probeTimeout).detail
    assert.deepStrictEqual(silentAfter(30_000, 0.8 * probeTimeout, 7, detail), [condemnsNobody])
    assert.deepStrictEqual(silentAfter(30_000, probeTimeout, 7, detail), [])
    assert.deepStrictEqual(silentAfter(30_000, probeTimeout, 7, silent(probeTimeout + 1).detail), [condemnsNobody])
  })
})

describe("a peer that said goodbye", () => {
  const dialledAfter = (millis: number, detail: string, direction: Transition["direction"] = "outbound") => {
    const { broken, rules, view } = world()
    rules.transition(fromA, { ...active(7, 1n), direction })
    rules.transition(fromA, endOf("goodbye", { direction, detail }))
    view.now += millis * 1_000
    rules.dial(fromA, () => 0)
    return broken()
  }
  it("is not dialled before the time that it has named", () => {
    assert.deepStrictEqual(dialledAfter(979, "shutdown: this node stops"), [awaited])
    assert.deepStrictEqual(dialledAfter(980, "shutdown: this node stops"), [])
    assert.deepStrictEqual(dialledAfter(0, "slow: it takes its time"), [])
    assert.deepStrictEqual(dialledAfter(0, "shutdown: this node stops", "inbound"), [])
  })

  it("may be dialled at once when it has been back", () => {
    const { broken, rules } = world()
    rules.transition(fromA, active(7, 1n))
    rules.transition(fromA, endOf("goodbye", { detail: "shutdown: this node stops" }))
    rules.transition(fromA, { ...active(8, 2n), direction: "inbound" })
    rules.dial(fromA, () => 0)
    assert.deepStrictEqual(broken(), [])
  })
})

describe("a flapping peer", () => {
  /** Sessions of so many milliseconds each, and then a dial. */
  const dialledAfter = (
    lasting: ReadonlyArray<number>,
    pause: number,
    directions: ReadonlyArray<Transition["direction"]> = []
  ) => {
    const { broken, rules, view } = world()
    for (const [i, millis] of lasting.entries()) {
      const direction = directions[i] ?? "outbound"
      rules.transition(fromA, { ...active(i, 1n), direction })
      view.now += millis * 1_000
      rules.transition(fromA, endOf("closed", { connection: i, direction }))
    }
    view.now += pause * 1_000
    rules.dial(fromA, () => 0)
    return broken()
  }
  const [six, five] = [
    [1, 1, 1, 1, 1, 1],
    [1, 1, 1, 1, 1]
  ].map((seconds) => seconds.map((it) => it * 1_000))
  it("is left alone after six sessions within a minute that came to nothing", () => {
    assert.deepStrictEqual(dialledAfter(six!, 0), [leftAlone])
    assert.deepStrictEqual(dialledAfter(six!, 52_000), [leftAlone])
    assert.deepStrictEqual(dialledAfter(six!, 53_000), [])
    assert.deepStrictEqual(dialledAfter(five!, 0), [])
  })

  it("is none if one of them lasted, or was the peer's", () => {
    assert.deepStrictEqual(dialledAfter([...five!, 59_000], 0), [])
    assert.deepStrictEqual(dialledAfter(six!, 0, ["inbound"]), [])
    assert.deepStrictEqual(dialledAfter([...six!, 1_000], 0, ["inbound"]), [leftAlone])
  })
})

describe("the dials of a node", () => {
  const dialledAt = (times: ReadonlyArray<number>, life = () => 1) => {
    const { broken, rules, view } = world()
    for (const at of times) {
      view.now = at * 1_000
      rules.dial({ ...fromA, life: life() }, () => 0)
    }
    return broken()
  }
  const { dialRate, maxDials } = linkConfig({})
  const most = dialRate.burst + maxDials
  it("are no more at once than the burst and those that wait for their turn", () => {
    assert.deepStrictEqual(dialledAt(Array.from({ length: most }, () => 5)), [])
    assert.deepStrictEqual(dialledAt(Array.from({ length: most + 1 }, () => 5)), [keptRate])
    let life = 1
    assert.deepStrictEqual(
      dialledAt(
        Array.from({ length: 100 }, () => 5),
        () => life++
      ),
      []
    )
  })

  it("go on at the rate", () => {
    const burst = Array.from({ length: most }, () => 0)
    assert.deepStrictEqual(dialledAt([...burst, ...Array.from({ length: 1_000 }, (_, i) => i * 100 + 100)]), [])
    assert.include(dialledAt([...burst, ...Array.from({ length: 1_000 }, (_, i) => i * 90 + 90)]), keptRate)
  })
})

describe("failures", () => {
  const countedAfter = (millis: number, matched: number, direction: Transition["direction"], failures: number) => {
    const { broken, rules, view } = world()
    rules.transition(fromA, { ...active(7, 1n), direction })
    rules.heard(fromA, { id: 7, heartbeat: { ...initial(0), matched } } as Connection)
    view.now += millis * 1_000
    rules.transition(fromA, endOf("closed", { direction }))
    rules.dial(fromA, () => failures)
    return broken()
  }
  it("are forgotten after a stable session", () => {
    assert.deepStrictEqual(countedAfter(62_000, 1, "outbound", 2), [keptBackOff])
    assert.deepStrictEqual(countedAfter(62_000, 1, "outbound", 1), [])
    assert.deepStrictEqual(countedAfter(59_000, 1, "outbound", 2), [])
    assert.deepStrictEqual(countedAfter(62_000, 0, "outbound", 2), [])
    assert.deepStrictEqual(countedAfter(62_000, 1, "inbound", 2), [])
  })
})

describe("the end of what is read", () => {
  const over = (...read: ReadonlyArray<number>) => {
    const all = world()
    const line = new Line("a", 1, "outbound", "b:7000")
    all.rules.listening.opened(line)
    line.read(Uint8Array.from(read))
    line.over = true
    all.rules.listening.over(line)
    return { ...all, line }
  }

  it("is noticed in time", () => {
    const late = over()
    late.view.now = 12_000_001
    late.rules.look()
    assert.deepStrictEqual(late.broken(), [noticed])
    const ended = over()
    ended.rules.transition(fromA, endOf("network"))
    const closed = over()
    closed.rules.listening.closed(closed.line)
    const still = over()
    still.view.now = 12_000_000
    still.rules.resumed(still.a)
    for (const { broken, rules, view } of [ended, closed, still]) {
      view.now += 12_000_000
      rules.look()
      assert.deepStrictEqual(broken(), [])
    }
  })

  const takenFor = (reason: "closed" | "truncated", ...read: ReadonlyArray<number>) => {
    const { broken, rules } = over(...read)
    rules.transition(fromA, endOf(reason))
    return broken()
  }
  it("is no end within a record", () => {
    for (const within of [[0], [0, 3], [0, 3, 1, 2], [0, 1, 9, 0, 2, 5]]) {
      assert.deepStrictEqual(takenFor("closed", ...within), [trueReason])
      assert.deepStrictEqual(takenFor("truncated", ...within), [])
    }
    for (const between of [[], [0, 0], [0, 1, 9], [0, 1, 9, 0, 2, 5, 6]]) {
      assert.deepStrictEqual(takenFor("closed", ...between), [])
    }
  })
})
