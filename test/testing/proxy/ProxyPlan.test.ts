import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Entry, Fault, type FaultKind } from "../../../src/testing/faults/FaultPlan.ts"
import * as FaultProxy from "../../../src/testing/proxy/FaultProxy.ts"
import { planOf } from "../../support/ProxiedPair.ts"

const routes = [
  { from: "a", to: "b" },
  { from: "b", to: "c" }
]
const latency = { floor: 1, mean: 0, tailShare: 0, tail: 1 }
const at = (fault: Fault): Entry => ({ when: { at: 0 }, fault })

/** One of every kind. */
const every: { readonly [K in FaultKind]: Extract<Fault, { readonly _tag: K }> } = {
  Partition: { _tag: "Partition", for: 1, shape: "ring", side: [] },
  Stall: { _tag: "Stall", for: 1 },
  Swizzle: { _tag: "Swizzle", for: 1, nodes: ["a", "b"], heal: "random" },
  Silence: { _tag: "Silence", from: "a" },
  Close: { _tag: "Close", how: "fin" },
  CloseAfter: { _tag: "CloseAfter", bytes: 1 },
  Slow: { _tag: "Slow", for: 1, latency },
  Bandwidth: { _tag: "Bandwidth", for: 1, bitsPerSecond: 1 },
  Loss: { _tag: "Loss", for: 1, share: 1 },
  Chunks: { _tag: "Chunks", for: 1, most: 1 },
  Window: { _tag: "Window", for: 1, bytes: 0 },
  BitFlips: { _tag: "BitFlips", for: 1, share: 1 },
  Ghost: { _tag: "Ghost", from: "a", to: "b", after: 0 },
  Dials: { _tag: "Dials", for: 1, how: "hang", share: 1 },
  Backlog: { _tag: "Backlog", node: "b", for: 1, connections: 0 },
  Exhaustion: { _tag: "Exhaustion", node: "a", for: 1, connections: 0 },
  Dns: { _tag: "Dns", node: "a", for: 1, how: "unknown" },
  Move: { _tag: "Move", node: "a" },
  Kill: { _tag: "Kill", node: "a", down: 1, end: "rst" },
  Restart: { _tag: "Restart", node: "a", down: 1 },
  Pause: { _tag: "Pause", node: "a", for: 1 },
  ClockStep: { _tag: "ClockStep", node: "a", by: 1 },
  ClockDrift: { _tag: "ClockDrift", node: "a", partsPerMillion: 1 },
  LateTimers: { _tag: "LateTimers", node: "a", for: 1, share: 1, most: 1 },
  SlowDatabase: { _tag: "SlowDatabase", node: "a", for: 1, latency },
  FailingDatabase: { _tag: "FailingDatabase", node: "a", for: 1, share: 1, when: "before-commit" },
  DatabaseRestart: { _tag: "DatabaseRestart", node: "a", for: 1 },
  RestoreBackup: { _tag: "RestoreBackup", node: "a", takenAt: 0, down: 1 },
  Buggify: { _tag: "Buggify", node: "a", for: 1, site: "delivery.batch-sent-again", share: 1 }
}

const possible: ReadonlyArray<FaultKind> = [
  "Partition",
  "Stall",
  "Swizzle",
  "Silence",
  "Close",
  "CloseAfter",
  "Slow",
  "Bandwidth",
  "Loss",
  "Chunks",
  "Window",
  "BitFlips",
  "Ghost",
  "Dials",
  "Backlog"
]

const refused = (faults: ReadonlyArray<Entry>) => Effect.flip(FaultProxy.make({ routes, plan: planOf(faults) }))

describe("a plan for a proxy", () => {
  it.live("is carried out if it has faults of networks and dials only", () =>
    FaultProxy.make({ routes, plan: planOf(possible.map((kind) => at(every[kind]))) })
  )

  it.live("is refused with every entry that a proxy cannot do, and what to do instead", () =>
    Effect.gen(function* () {
      const others = Object.values(every).filter(({ _tag }) => !possible.includes(_tag))
      const error = yield* refused([at(every.Stall), ...others.map(at)])
      assert.strictEqual(error._tag, "PlanUnsupported")
      if (error._tag !== "PlanUnsupported") return
      assert.deepStrictEqual(
        error.entries.map(({ index }) => index),
        others.map((_, index) => index + 1)
      )
      assert.include(error.message, `cannot carry out ${others.length} of the faults`)
      assert.include(error.message, "faults[4], at 0 ms: kill a for 1 ms with rst: a proxy does not own the process")
      assert.include(error.message, "send the signal yourself (SIGKILL)")
      assert.include(error.message, "--ignore-unsupported")
    })
  )

  it.live("is refused if it waits for what a proxy cannot see", () =>
    Effect.gen(function* () {
      const whens: ReadonlyArray<Entry["when"]> = [
        { frame: { kind: "DATA", from: "a", to: "b", nth: 1 } },
        { commit: { node: "a", nth: 1 } },
        { event: 1 },
        { site: { name: "delivery.batch-sent-again", node: "a", nth: 1 } }
      ]
      const error = yield* refused(whens.map((when) => ({ when, fault: every.Stall })))
      assert.include(
        error.message,
        "faults[0], after DATA 1 from a to b: stall everywhere for 1 ms: a proxy knows only"
      )
      assert.include(error.message, "faults[3]")
    })
  )

  it.live("is refused if there is nothing for a fault to strike", () =>
    Effect.gen(function* () {
      const idle: ReadonlyArray<readonly [Fault, string]> = [
        [{ ...every.Stall, from: "a", to: "c" }, "no route carries it"],
        [{ ...every.Silence, from: "d" }, "no route carries it"],
        [{ ...every.Partition, shape: "isolate", side: [] }, "no route carries it"],
        [{ ...every.Swizzle, nodes: ["a", "d"] }, "--route d>...=host:port"],
        [{ ...every.Ghost, from: "b", to: "a" }, "--route b>a=host:port"],
        [{ ...every.Backlog, node: "a" }, "--route ...>a=host:port"],
        [{ ...every.Dials, from: "b", to: "a", oneWay: true }, "no route carries it"]
      ]
      const error = yield* refused(idle.map(([fault]) => at(fault)))
      if (error._tag !== "PlanUnsupported") return assert.fail(error._tag)
      assert.lengthOf(error.entries, idle.length)
      for (const [index, [, why]] of idle.entries()) assert.include(error.entries[index]?.why, why)
    })
  )

  it.live("leaves out what it cannot do when told to, and says what that is", () =>
    Effect.gen(function* () {
      const plan = planOf([at(every.Kill), at(every.Stall)])
      const { ignored } = yield* FaultProxy.make({ routes, plan, ignoreUnsupported: true })
      assert.deepStrictEqual(
        ignored.map(({ index, what }) => [index, what]),
        [[0, "at 0 ms: kill a for 1 ms with rst"]]
      )
    })
  )

  it.live("gives no fault to strike with that it would refuse in a plan", () =>
    Effect.gen(function* () {
      const proxy = yield* FaultProxy.make({ routes })
      const error = yield* Effect.flip(Effect.scoped(proxy.strike(every.Pause)))
      assert.include(error.message, "SIGSTOP")
    })
  )
})
