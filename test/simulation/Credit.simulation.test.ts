/**
 * Users who give credit, pay each other and lift value over several tallies, under everything that a swarm draws.
 */
import { assert, describe, it } from "@effect/vitest"
import { check } from "../../src/testing/campaign/Check.ts"
import * as Simulation from "../../src/testing/campaign/Simulation.ts"
import { held } from "../../src/testing/cluster/Verdict.ts"
import { credit } from "../../src/testing/credit/CreditScenario.ts"
import * as Swarm from "../../src/testing/faults/Swarm.ts"
import { worlds } from "../support/worlds/Worlds.ts"

describe("credit keeps its invariants at every commit, and is settled in the end", { timeout: 1_200_000 }, () => {
  it("where nothing goes wrong, with all that users can do", async () => {
    const { figures } = await check(credit, { seeds: worlds(5), profile: "calm" })
    const done = (name: string): number => figures[`credit: ${name}`] ?? 0
    assert.isAbove(done("halves open"), 20)
    for (const kind of ["tran good", "tran asked", "tran void", "set good", "lift asked", "lift good"])
      assert.isAbove(done(kind), 5, kind)
    for (const status of ["promised", "refused", "good", "void"]) assert.isAbove(done(`lifts ${status}`), 0, status)
    assert.strictEqual(done("pay otherwise") + done("pay over otherwise") + done("lift otherwise"), 0)
    assert.isUndefined(figures["users who failed"])
  })

  it("in worlds of the swarm", async () => {
    const { figures } = await check(credit, { seeds: worlds(4) })
    assert.isAbove(figures["credit: lifts good"] ?? 0, 10)
  })

  it("where the network fails, processes die and clocks are wrong", async () => {
    for (const profile of ["network", "crash", "clock"] as const)
      await check(credit, { seeds: worlds(1), from: 1_000, profile })
  })

  it("where nodes lose their disks after a tally was closed, a referee has voted, or their users have left", async () => {
    for (const from of [1_012, 1_298_034_598]) await check(credit, { seeds: 1, from })
    await check(credit, { seeds: 1, from: 725_372_288, profile: "database" })
  })

  it("where a referee's clock is behind that of a payor, and where foil takes back the place of a wish to close", async () => {
    for (const from of [591_131_530_902, 591_131_530_872]) await check(credit, { seeds: 1, from })
  })

  it("twice to the same end", async () => {
    await check(credit, { seeds: 1, from: 2_000, profile: "crash", twice: true })
  })

  it("on PostgreSQL's own database as well", async () => {
    const plan = Swarm.generate(7_001, "crash", { database: "pglite", nodes: 3, duration: 4_000, operations: 2 })
    assert.deepStrictEqual((await Simulation.make(credit).run(7_001, plan)).verdict, held)
  })
})
