/**
 * Two whole nodes on real TCP whose connections, whoever dials, go through a fault proxy under a plan that has every kind
 * of fault a proxy knows: what they send to each other arrives once.
 */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, FiberSet } from "effect"
import { TestClock } from "effect/testing"
import * as Backoff from "../../src/protocol/Backoff.ts"
import { Address } from "../../src/protocol/Address.ts"
import * as LinkConfig from "../../src/services/link/LinkConfig.ts"
import type { FaultPlan } from "../../src/testing/faults/FaultPlan.ts"
import * as FaultProxy from "../../src/testing/proxy/FaultProxy.ts"
import * as MemoryNode from "../support/MemoryNode.ts"
import { planOf } from "../support/ProxiedPair.ts"
import { ownTime } from "../support/Stopwatch.ts"

/** Notices silence and dials again within the time that the faults of a short plan leave. */
const config: Partial<LinkConfig.Config> = {
  heartbeat: { interval: 250, timeout: 750, missed: 1, stable: 500 },
  redial: { ...LinkConfig.defaults.redial, ...Backoff.redial, baseMillis: 50, capMillis: 400, starts: 10_000 },
  handshakeTimeout: 1_000,
  probeTimeout: 500
}

const latency = { floor: 20, mean: 20, tailShare: 0.05, tail: 5 }

const faults: FaultPlan["faults"] = [
  { when: { at: 0 }, fault: { _tag: "Chunks", for: 700, most: 40 } },
  { when: { at: 200 }, fault: { _tag: "Slow", from: "a", to: "b", for: 6_000, latency } },
  { when: { at: 700 }, fault: { _tag: "Stall", from: "a", oneWay: true, for: 200 } },
  { when: { at: 1_000 }, fault: { _tag: "Close", how: "rst" } },
  { when: { at: 1_300 }, fault: { _tag: "CloseAfter", bytes: 3_000 } },
  { when: { at: 1_600 }, fault: { _tag: "Silence", from: "a", to: "b" } },
  { when: { at: 2_600 }, fault: { _tag: "Partition", shape: "isolate", side: ["b"], for: 1_200 } },
  { when: { at: 3_900 }, fault: { _tag: "Close", how: "rst-as-end" } },
  { when: { at: 4_000 }, fault: { _tag: "Dials", how: "refuse", share: 0.5, for: 1_000 } },
  { when: { at: 4_000 }, fault: { _tag: "Dials", how: "accept-then-reset", share: 0.5, for: 1_000 } },
  { when: { at: 4_400 }, fault: { _tag: "Close", from: "b", to: "a", oneWay: true, how: "fin" } },
  { when: { at: 4_800 }, fault: { _tag: "BitFlips", for: 400, share: 0.7 } },
  { when: { at: 5_000 }, fault: { _tag: "Ghost", from: "a", to: "b", after: 300 } },
  { when: { at: 5_000 }, fault: { _tag: "Ghost", from: "b", to: "a", after: 300 } },
  { when: { at: 5_400 }, fault: { _tag: "Bandwidth", for: 600, bitsPerSecond: 400_000 } },
  { when: { at: 5_400 }, fault: { _tag: "Window", for: 600, bytes: 500 } },
  { when: { at: 5_400 }, fault: { _tag: "Loss", for: 600, share: 0.05 } },
  { when: { at: 6_000 }, fault: { _tag: "Swizzle", for: 600, nodes: ["a", "b"], heal: "reverse" } },
  { when: { at: 6_700 }, fault: { _tag: "Backlog", node: "b", for: 300, connections: 0 } },
  { when: { at: 6_750 }, fault: { _tag: "Close", how: "rst" } }
]

const perFault = 10

/** Which of the faults something has felt. */
const felt = (told: ReadonlyArray<FaultProxy.Progress>): ReadonlySet<number> =>
  new Set(told.flatMap((progress) => (progress._tag === "Over" && progress.touched > 0 ? [progress.index] : [])))

/** Carries a plan out in time in which this process runs: none of its faults is over unfelt because nothing happened meanwhile. */
const carriedOut = Effect.fnUntraced(function* (run: Effect.Effect<void>) {
  const clock = yield* TestClock.make()
  const carrying = yield* Effect.forkChild(Effect.provideService(run, Clock.Clock, clock), { startImmediately: true })
  const now = yield* ownTime
  for (let at = now(); carrying.pollUnsafe() === undefined;) {
    yield* Effect.sleep(10)
    const next = now()
    yield* clock.adjust(next - at)
    at = next
  }
})

describe("two nodes over a fault proxy", () => {
  it.live("deliver everything once under every kind of fault that a proxy knows", () =>
    Effect.gen(function* () {
      const [a, b] = yield* Effect.all([MemoryNode.start({ config }), MemoryNode.start({ config })])
      const sent = { a: new Array<string>(), b: new Array<string>() }
      const told: Array<FaultProxy.Progress> = []
      const sending = yield* FiberSet.makeRuntime()
      /** Whenever a fault begins or is over, both sides send. */
      const onProgress = (progress: FaultProxy.Progress) => {
        told.push(progress)
        for (let n = 0; n < perFault; n++) {
          const text = `${told.length}.${n}`
          sent.a.push(text)
          sent.b.push(text)
          sending(a.say(b.key, text))
          sending(b.say(a.key, text))
        }
      }
      const proxy = yield* FaultProxy.make({
        routes: [
          { from: "a", to: "b", target: b.address.endpoint },
          { from: "b", to: "a", target: a.address.endpoint }
        ],
        plan: planOf(faults, { nodes: 2, duration: 7_200 }),
        seed: 7,
        maxConnections: 128,
        onProgress
      })
      const by = (from: string, to: string, key: Address["key"]) => {
        const { host, port } = proxy.endpoint(from, to)!
        return new Address({ key, host, port })
      }
      yield* a.node.connect(by("a", "b", b.key))
      yield* b.node.connect(by("b", "a", a.key))
      yield* a.say(b.key, "before")
      yield* b.hears("before")

      // What a fault meets is up to the nodes: on a busy machine they need more than one turn to meet most of them.
      let turns = 0
      while (turns < 10 && felt(told).size <= faults.length / 2) {
        yield* carriedOut(proxy.run)
        turns++
      }
      for (const text of sent.a) yield* b.hears(text)
      for (const text of sent.b) yield* a.hears(text)
      yield* a.say(b.key, "after")
      yield* b.hears("after")
      yield* b.say(a.key, "after")
      yield* a.hears("after")

      assert.deepStrictEqual([...b.received].sort(), ["before", ...sent.a, "after"].sort())
      assert.deepStrictEqual([...a.received].sort(), [...sent.b, "after"].sort())
      const over = told.filter((progress) => progress._tag === "Over")
      const kinds = (those: typeof over) => those.map(({ fault }) => fault._tag).join(" ")
      console.log(
        `${sent.a.length + sent.b.length} messages through ${over.length} faults; felt: ` +
          `${kinds(over.filter(({ touched }) => touched > 0))}; not felt: ` +
          `${kinds(over.filter(({ touched }) => touched === 0))}; ${JSON.stringify(proxy.traffic())}`
      )
      assert.lengthOf(over, turns * faults.length)
      assert.isAbove(felt(told).size, faults.length / 2)
      assert.isAbove(proxy.traffic().forwarded, 3)
    })
  )
})
