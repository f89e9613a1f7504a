/**
 * A failure that nobody had to simulate: a few nodes that connect, send to each other, lose each other and one message
 * twice, with the trace that such a run would leave. Equal seeds give equal files.
 */
import type { FailureFile } from "../../src/testing/campaign/FailureFile.ts"
import { nodeNames } from "../../src/testing/cluster/NodeNames.ts"
import type { Entry } from "../../src/testing/faults/FaultPlan.ts"
import { calm } from "../../src/testing/network/NetModel.ts"
import { Rng } from "../../src/testing/world/Rng.ts"
import { fifo } from "../../src/testing/world/Schedule.ts"
import type { TraceEvent } from "../../src/testing/world/Trace.ts"

export interface Options {
  readonly seed?: number
  readonly nodes?: number
  /** Messages that every node sends to every other one before the partition, and some nodes during it. */
  readonly messages?: number
}

type Detail = TraceEvent["detail"]

const faults: ReadonlyArray<Entry> = [
  { when: { at: 1_000 }, fault: { _tag: "Partition", for: 2_000, shape: "isolate", side: ["a"] } },
  { when: { at: 1_400 }, fault: { _tag: "Kill", node: "b", down: 900, end: "rst" } },
  { when: { commit: { node: "c", nth: 9 } }, fault: { _tag: "Pause", node: "c", for: 600 } },
  {
    when: { at: 2_600 },
    fault: { _tag: "Slow", for: 900, from: "a", to: "b", latency: { floor: 40, mean: 20, tailShare: 0, tail: 1 } }
  },
  { when: { at: 3_300 }, fault: { _tag: "Close", from: "a", to: "c", how: "rst-as-end" } }
]

class Play {
  readonly events: Array<Omit<TraceEvent, "n">> = []
  readonly random: Rng
  readonly nodes: ReadonlyArray<string>
  connections = 0
  readonly #ids = new Map<string, number>()
  readonly #commits = new Map<string, number>()
  readonly #sessions = new Map<string, number>()

  constructor(seed: number, nodes: number) {
    this.random = new Rng(seed, "synthetic failure")
    this.nodes = nodeNames(nodes)
  }

  say(millis: number, node: string, kind: string, detail: Detail = {}): void {
    this.events.push({ at: Math.round(millis * 1_000), node, kind, detail })
  }

  commit(millis: number, node: string): void {
    const n = (this.#commits.get(node) ?? 0) + 1
    this.#commits.set(node, n)
    this.say(millis, node, "commit", { n })
  }

  connect(millis: number, from: string, to: string): void {
    const id = ++this.connections
    const number = (this.#sessions.get(from + to) ?? 0) + 1
    this.#sessions.set(from + to, number)
    this.say(millis, from, "dial", { to })
    this.say(millis + 1.2, from, "connected", { to, id })
    this.say(millis + 2.9, from, "frame", { kind: "HELLO", to, bytes: 212 })
    this.say(millis + 3.4, to, "frame", { kind: "HELLO", to: from, bytes: 212 })
    this.say(millis + 5.1, from, "session", { peer: to, number: String(number) })
    this.say(millis + 5.6, to, "session", { peer: from, number: String(number) })
  }

  /** One message, and how often it takes effect. */
  message(millis: number, from: string, to: string, delays: ReadonlyArray<number>): string {
    const nth = (this.#ids.get(from) ?? 0) + 1
    this.#ids.set(from, nth)
    const id = `${from}${nth}`
    this.say(millis, from, "sent", { to, id })
    this.commit(millis + 0.1, from)
    for (const delay of delays) {
      this.say(millis + delay - 2.5, from, "frame", { kind: "DATA", to, bytes: 96 + this.random.below(900) })
      this.say(millis + delay, to, "effect", { from, id })
      this.commit(millis + delay + 0.1, to)
      this.say(millis + delay + 0.7, to, "frame", { kind: "RECEIPT", to: from, bytes: 41 })
    }
    return id
  }

  /** So many messages from each of these to each other one. */
  chatter(begin: number, end: number, messages: number, nodes: ReadonlyArray<string>): void {
    const spacing = (end - begin) / messages
    for (let round = 0; round < messages; round++)
      for (const from of nodes)
        for (const to of nodes)
          if (from !== to)
            this.message(begin + (round + this.random.next()) * spacing, from, to, [4 + this.random.next() * 30])
  }

  disturb(): void {
    const words = ["isolate a for 2 s", "kill b for 900 ms", "pause c for 600 ms", "slow a and b", "close a and c"]
    const at = [1_000, 1_400, 2_050, 2_600, 3_300]
    const over = [3_000, 2_300, 2_650, 3_500, 3_300.1]
    for (const [entry, each] of words.entries()) {
      this.say(at[entry]!, "", "fault", { entry, words: each })
      this.say(over[entry]!, "", "fault-over", { entry, words: each, touched: entry === 4 ? 0 : 1 })
    }
    this.say(1_400, "b", "kill", { life: 1 })
    this.say(1_400.6, "c", "reset", { id: 3, with: "b" })
    this.say(1_400.8, "c", "session-ended", { peer: "b", reason: "reset" })
    for (const peer of this.nodes.slice(1)) {
      this.say(1_950, "a", "session-ended", { peer, reason: "no heartbeat for 900 ms" })
      if (peer !== "b") this.say(1_950.4, peer, "session-ended", { peer: "a", reason: "no heartbeat for 900 ms" })
      this.say(2_100, "a", "dial", { to: peer })
      this.say(2_800, "a", "dial-failed", { to: peer, reason: "timed out" })
    }
    this.say(2_050, "c", "pause", { life: 1 })
    this.say(2_300, "b", "start", { life: 2 })
    this.say(2_650, "c", "resume", { life: 1 })
    this.connect(2_700, "b", "c")
    for (const peer of this.nodes.slice(1)) this.connect(3_050 + this.random.below(20), "a", peer)
  }
}

/** A whole failure file. */
export const make = ({ messages = 2, nodes = 3, seed = 42 }: Options = {}): FailureFile => {
  const play = new Play(seed, nodes)
  for (const [index, node] of play.nodes.entries())
    play.say(index * 31 + play.random.below(20), node, "start", { life: 1 })
  for (const [index, from] of play.nodes.entries())
    for (const to of play.nodes.slice(index + 1)) play.connect(200 + play.random.below(60), from, to)
  play.chatter(400, 980, messages, play.nodes)
  const twice = play.message(990, "a", "b", [4, 2_100])
  play.disturb()
  play.message(1_700, "c", "a", [])
  play.chatter(2_720, 3_000, messages, play.nodes.slice(1))
  const detail = `message ${twice} of a took effect 2 times at b`
  const [property, at] = ["one effect for each message", 3_091]
  const events = play.events.toSorted((a, b) => a.at - b.at).filter((event) => event.at < at * 1_000)
  const trace = [
    ...events,
    { at: at * 1_000, node: "", kind: "property", detail: { name: property, verdict: "violated", words: detail } }
  ].map((event, index) => ({ n: 40 + index * 3, ...event }))
  const of = ofTrace(trace, { _tag: "Unsafe", property, detail })
  return { ...of, seed, plan: { ...of.plan, nodes, faults } }
}

/** A failure file of three nodes and no faults with this trace. */
export const ofTrace = (
  trace: FailureFile["trace"],
  verdict: FailureFile["verdict"] = { _tag: "Held" }
): FailureFile => ({
  version: 1,
  commit: "4f1c0de9a7b35d2288aa01e3c5be6f7d90812345",
  versions: { node: "24.21.0", effect: "4.1.0", holdfast: "0.1.0" },
  scenario: "ledger",
  seed: 42,
  plan: {
    version: 1,
    nodes: 3,
    duration: 4_000,
    schedule: fifo,
    network: calm,
    operations: 12,
    database: "memory",
    faults: []
  },
  verdict,
  hash: "9f0b5a2c77d1e480",
  events: 40 + trace.length * 3,
  checkpoints: [{ n: 1_000, hash: "00c0ffee00c0ffee" }],
  trace
})

/** One event of every kind that clusters record, and of one that nobody knows, with the words that tell it. */
export const everyKind: ReadonlyArray<readonly [event: Omit<TraceEvent, "n" | "at">, words: string]> = [
  [{ node: "a", kind: "start", detail: { life: 1 } }, "starts, life 1"],
  [{ node: "a", kind: "dial", detail: { to: "b" } }, "dials b"],
  [{ node: "a", kind: "connected", detail: { to: "b", id: 7 } }, "is connected to b, connection 7"],
  [{ node: "a", kind: "dial-failed", detail: { to: "c", reason: "refused" } }, "cannot reach c: refused"],
  [{ node: "a", kind: "session", detail: { peer: "b", number: "3" } }, "has session 3 with b"],
  [{ node: "a", kind: "frame", detail: { kind: "DATA", to: "b", bytes: 99 } }, "DATA to b, 99 bytes"],
  [{ node: "a", kind: "sent", detail: { to: "b", id: "m1" } }, "sends message m1 to b"],
  [{ node: "b", kind: "effect", detail: { from: "a", id: "m1" } }, "message m1 of a takes effect"],
  [{ node: "a", kind: "concluded", detail: { to: "b", n: 4, outcome: "Ok" } }, "message 4 to b is concluded: Ok"],
  [{ node: "b", kind: "commit", detail: { n: 12 } }, "commit 12"],
  [{ node: "b", kind: "listening", detail: { port: 7000 } }, "listens on port 7000"],
  [{ node: "b", kind: "log", detail: { level: "Warn", message: "slow" } }, "Warn: slow"],
  [{ node: "a", kind: "closed", detail: { id: 7, with: "b" } }, "closes connection 7 with b"],
  [{ node: "b", kind: "reset", detail: { id: 8, with: "a" } }, "resets connection 8 with a"],
  [{ node: "a", kind: "session-ended", detail: { peer: "b", reason: "eof" } }, "no longer has a session with b: eof"],
  [{ node: "", kind: "fault", detail: { entry: 0, words: "stall everywhere" } }, "fault 1: stall everywhere"],
  [
    { node: "", kind: "fault-over", detail: { entry: 0, words: "stall everywhere", touched: 0 } },
    "fault 1 is over and had no effect: stall everywhere"
  ],
  [{ node: "", kind: "quiet", detail: {} }, "no more faults: everything has to come right"],
  [{ node: "", kind: "impaired", detail: { what: "loss" } }, "the network is impaired: loss"],
  [{ node: "", kind: "relieved", detail: { what: "loss" } }, "the network is relieved: loss"],
  [{ node: "", kind: "healed", detail: {} }, "the network is healed"],
  [{ node: "", kind: "silenced", detail: { connections: 2 } }, "connections that fall silent: 2"],
  [{ node: "", kind: "severed", detail: { connections: 2, how: "fin" } }, "connections that are severed: 2, with fin"],
  [{ node: "", kind: "moved", detail: { node: "a", to: "10.0.0.4" } }, "a moves to 10.0.0.4"],
  [{ node: "", kind: "ghost", detail: { from: "a", to: "b" } }, "what a sent to b comes again"],
  [{ node: "c", kind: "pause", detail: { life: 2 } }, "is paused, life 2"],
  [{ node: "c", kind: "resume", detail: { life: 2 } }, "goes on, life 2"],
  [{ node: "c", kind: "stop", detail: { life: 2 } }, "is asked to stop, life 2"],
  [{ node: "c", kind: "ended", detail: { life: 2, words: "defect" } }, "has ended, life 2: defect"],
  [{ node: "a", kind: "kill", detail: { life: 1 } }, "is killed, life 1"],
  [{ node: "a", kind: "sneeze", detail: { loud: true, times: 3 } }, "sneeze loud=true times=3"],
  [
    { node: "", kind: "property", detail: { name: "order", verdict: "violated", words: "2 before 1" } },
    "violated: order: 2 before 1"
  ]
]

/** These events one after the other, a millisecond apart. */
export const inOrder = (events: ReadonlyArray<Omit<TraceEvent, "n" | "at">>): FailureFile["trace"] =>
  events.map((event, index) => ({ n: index + 1, at: (index + 1) * 1_000, ...event }))
