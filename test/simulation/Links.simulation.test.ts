/**
 * Links under single faults: what hangs is given up in time, what was recorded means nothing later, and many nodes do
 * not come back all at once.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Simulation from "../../src/testing/campaign/Simulation.ts"
import type { Result } from "../../src/testing/cluster/Result.ts"
import * as Scenario from "../../src/testing/cluster/Scenario.ts"
import { held } from "../../src/testing/cluster/Verdict.ts"
import type { Entry, Fault, FaultPlan } from "../../src/testing/faults/FaultPlan.ts"
import * as Swarm from "../../src/testing/faults/Swarm.ts"
import { ledger } from "../../src/testing/ledger/LedgerScenario.ts"

const simulation = Simulation.make(ledger)
const silent = Simulation.make(Scenario.make({ name: "silent", protocols: [] }))

const at = (millis: number, fault: Fault): Entry => ({ when: { at: millis }, fault })

const planned = (
  options: { readonly nodes: number; readonly duration: number; readonly operations: number },
  ...faults: ReadonlyArray<Entry>
): FaultPlan => ({
  ...Swarm.generate(1, "calm", options),
  faults
})

/** When things of a kind happened at a node, in milliseconds. */
const times = ({ trace }: Result, node: string, kind: string): ReadonlyArray<number> =>
  trace.filter((event) => event.node === node && event.kind === kind).map((event) => event.at / 1_000)

describe("a graceful stop", () => {
  const hangs: ReadonlyArray<readonly [string, Fault]> = [
    ["dials hang", { _tag: "Dials", how: "hang", share: 1, for: 60_000 }],
    ["nothing can be written", { _tag: "Window", bytes: 0, for: 60_000 }],
    ["the network is silent", { _tag: "Silence" }],
    ["bytes stand still", { _tag: "Stall", for: 60_000 }],
    [
      "the database takes seconds",
      { _tag: "SlowDatabase", node: "a", latency: { floor: 2_000, mean: 0, tailShare: 0, tail: 1 }, for: 60_000 }
    ]
  ]
  for (const [name, fault] of hangs) {
    it(`takes no longer than the time-outs allow while ${name}`, async () => {
      const plan = planned(
        { nodes: 3, duration: 60_000, operations: 20 },
        at(3_000, fault),
        at(6_000, { _tag: "Restart", node: "a", down: 1_000 })
      )
      const result = await simulation.run(1, plan)
      assert.deepStrictEqual(result.verdict, held)
      const [asked = 0] = times(result, "a", "stop")
      const [ended = Number.POSITIVE_INFINITY] = times(result, "a", "ended")
      // A write may take 10 s, its last word as long again; a statement under way is waited for.
      assert.isBelow(ended - asked, 25_000)
    })
  }
})

describe("a ghost", () => {
  for (const [name, after] of [
    ["a second", 1_000],
    ["an hour", 3_600_000],
    ["thirty days", 30 * 86_400_000]
  ] as const) {
    it(`of ${name} ago changes nothing`, async () => {
      const duration = after + 25_000
      const away = { down: after - 500, end: "rst" } as const
      // Users send about twice a second; over the time in between nobody is up.
      const haunted = planned(
        { nodes: 2, duration, operations: Math.floor(duration / 500) },
        at(5_000, { _tag: "Close", how: "rst" }),
        at(5_001, { _tag: "Ghost", from: "a", to: "b", after: after + 10_000 }),
        at(5_001, { _tag: "Ghost", from: "b", to: "a", after: after + 10_000 }),
        at(8_000, { _tag: "Kill", node: "a", ...away }),
        at(8_000, { _tag: "Kill", node: "b", ...away })
      )
      const result = await simulation.run(5, haunted)
      assert.deepStrictEqual(result.verdict, held)
      assert.isAbove(result.figures["effects"] ?? 0, 20)
      assert.strictEqual(result.figures["fault: Ghost"], 2)
    })
  }
})

describe("many nodes", () => {
  it("that lose their hub come back spread out, no second of it with more than twice its share of the dials", async () => {
    const down = 20_000
    const plan = planned(
      { nodes: 51, duration: 60_000, operations: 0 },
      at(10_000, { _tag: "Kill", node: "a", down, end: "rst" })
    )
    const star = Simulation.make(
      Scenario.make({ name: "star", protocols: [], wants: (from, to) => to === "a" && from !== "a" })
    )
    const result = await star.run(2, plan, { events: 1_000_000 })
    assert.deepStrictEqual(result.verdict, held)
    const dials = result.trace.filter(
      (event) => event.kind === "dial" && event.at > 11_000_000 && event.at < 30_000_000
    )
    assert.isAbove(dials.length, 100)
    const perSecond = new Map<number, number>()
    for (const { at } of dials) perSecond.set(Math.floor(at / 1e6), (perSecond.get(Math.floor(at / 1e6)) ?? 0) + 1)
    // Back-off grows, so the dials thin out: each second is compared with those around it.
    for (const [second, count] of perSecond) {
      const around = [-2, -1, 1, 2].map((step) => perSecond.get(second + step)).filter((n) => n !== undefined)
      const usual = around.reduce((sum, n) => sum + n, 0) / Math.max(1, around.length)
      assert.isAtMost(count, Math.max(8, 2 * usual), `in second ${second}`)
    }
  })

  it("stay connected for an hour in which nobody has anything to say", async () => {
    const plan = planned({ nodes: 5, duration: 3_600_000, operations: 0 })
    const { figures, verdict } = await silent.run(3, plan)
    assert.deepStrictEqual(verdict, held)
    assert.strictEqual(figures["sessions"], 20)
  })
})
