/**
 * Single faults at single moments of a lift over a line of nodes, as the scenarios of credit name them (docs/credit.md): every run goes
 * on until all is settled, under the invariants at every commit.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Simulation from "../../../src/testing/campaign/Simulation.ts"
import type { Result } from "../../../src/testing/cluster/Result.ts"
import { held } from "../../../src/testing/cluster/Verdict.ts"
import { oneLift } from "../../../src/testing/credit/CreditScenario.ts"
import type { Deciding } from "../../../src/testing/credit/LiftScenario.ts"
import type { Entry, Fault, When } from "../../../src/testing/faults/FaultPlan.ts"
import * as Swarm from "../../../src/testing/faults/Swarm.ts"

const seed = 3

const run = (deciding: Deciding, faults: ReadonlyArray<Entry>, duration = 2_000): Promise<Result> => {
  const nodes = deciding === "stranger" ? 4 : 3
  const plan = {
    ...Swarm.generate(seed, "calm", { nodes, duration, operations: 1 }),
    knobs: { heartbeat: "fast" }
  } as const
  return Simulation.make(oneLift(deciding)).run(seed, { ...plan, faults }, { events: 20_000 })
}

/** Runs with a fault at a moment, and holds it to everything. */
const strike = async (deciding: Deciding, when: When, fault: Fault, duration?: number): Promise<Result> => {
  const result = await run(deciding, [{ when, fault }], duration)
  assert.deepStrictEqual(result.verdict, held)
  return result
}

/** The events at which a lift gets a status at a node, where nothing goes wrong. */
const moments = async (deciding: Deciding, node: string, status: string): Promise<ReadonlyArray<number>> => {
  const { trace } = await run(deciding, [])
  return trace
    .filter((event) => event.kind === "lift" && event.node === node && event.detail["status"] === status)
    .map(({ n }) => n)
}

const last = async (deciding: Deciding, node: string, status: string): Promise<When> => {
  const event = (await moments(deciding, node, status)).at(-1)
  assert.isDefined(event)
  return { event: event! }
}

const count = ({ figures }: Result, name: string): number => figures[`credit: ${name}`] ?? 0

/** What is seen of lifts at a node, in its order. */
const seenAt = ({ trace }: Result, node: string): ReadonlyArray<unknown> =>
  trace.filter((event) => event.kind === "lift" && event.node === node).map(({ detail }) => detail["status"])

/** How lifts were over at a node, by their ids. */
const endsAt = ({ trace }: Result, node: string): ReadonlyMap<unknown, unknown> =>
  new Map(
    trace.flatMap(({ detail: { lift, status }, kind, node: at }) =>
      kind === "lift" && at === node && (status === "good" || status === "void") ? [[lift, status] as const] : []
    )
  )

const kill = (node: string, down = 300): Fault => ({ _tag: "Kill", node, down, end: "rst" })
const cut = (node: string, millis: number): Fault => ({
  _tag: "Partition",
  for: millis,
  shape: "isolate",
  side: [node]
})

describe("a tally", { timeout: 300_000 }, () => {
  it("opens at both ends however long an offer is on its way, and nobody does anything more (S1, S6)", async () => {
    for (const at of [100, 170, 250]) {
      const result = await strike("payee", { at }, cut("b", 1_500), 8_000)
      assert.strictEqual(count(result, "halves open"), 4)
    }
  })

  it("loses nothing with the process that has committed and not sent yet (S12)", async () => {
    for (let nth = 3; nth <= 27; nth += 6) await strike("payee", { commit: { node: "b", nth } }, kill("b"))
  })

  it("loses and doubles nothing with the process that has sent and not written that down (S13)", async () => {
    for (const [from, to] of [
      ["b", "a"],
      ["b", "c"]
    ] as const)
      for (const nth of [2, 5]) await strike("payee", { frame: { kind: "DATA", from, to, nth } }, kill(from))
  })

  it("agrees on its chain where a receipt is lost (S24)", async () => {
    for (const nth of [2, 4, 6]) {
      const when = { frame: { kind: "RECEIPT", from: "a", to: "b", nth } } as const
      await strike("payee", when, { _tag: "Close", from: "a", to: "b", how: "rst" })
    }
  })
})

describe("a lift", { timeout: 300_000 }, () => {
  it("is void, and holds nothing any more, where the last one cannot answer in time (S33)", async () => {
    const result = await strike("stranger", await last("stranger", "b", "promised"), cut("c", 6_000), 8_000)
    assert.include(seenAt(result, "b"), "void")
  })

  it("goes on from a relay that was killed between its promise and passing it on (S34)", async () => {
    const result = await strike("payee", await last("payee", "b", "promised"), kill("b", 600))
    assert.isAbove(count(result, "lifts good") + count(result, "lifts void"), 0)
    assert.notInclude(["promised", "refused"], seenAt(result, "b").at(-1))
  })

  it("ends in one way at both sides of a split in which most referees are on one of them (S35)", async () => {
    const result = await strike("all", await last("all", "c", "promised"), cut("c", 5_000), 7_000)
    const [there, here] = [endsAt(result, "a"), endsAt(result, "c")]
    assert.isAbove(here.size, 0)
    for (const [lift, status] of here) assert.strictEqual(there.get(lift), status)
  })

  it("is good everywhere though its originator dies when it is decided (S36)", async () => {
    const result = await strike("payee", await last("payee", "c", "good"), kill("a", 1_500), 3_000)
    assert.strictEqual(seenAt(result, "a").at(-1), "good")
  })

  it("stays promised while who decides is away, and ends when they are back (S37)", async () => {
    const result = await strike("stranger", await last("stranger", "b", "promised"), cut("d", 6_000), 8_000)
    assert.strictEqual(seenAt(result, "a").filter((status) => status === "promised").length > 0, true)
    for (const node of ["a", "b", "c"]) assert.notInclude(["promised", "refused"], seenAt(result, node).at(-1))
  })
})
