/**
 * Nodes that keep one chain, beside one that misbehaves in most worlds, under everything that a swarm draws.
 */
import { assert, describe, it } from "@effect/vitest"
import { check } from "../../src/testing/campaign/Check.ts"
import * as Simulation from "../../src/testing/campaign/Simulation.ts"
import { chain } from "../../src/testing/chain/ChainScenario.ts"
import { held } from "../../src/testing/cluster/Verdict.ts"
import * as Swarm from "../../src/testing/faults/Swarm.ts"

describe("honest nodes come to one chain, apply each block once, and go on", { timeout: 600_000 }, () => {
  it("in 25 worlds of the swarm", async () => {
    const { figures } = await check(chain, { seeds: 25 })
    assert.isAbove(figures["chain: blocks applied"] ?? 0, 500)
    assert.isAbove(figures["chain: blocks undone"] ?? 0, 10)
    assert.isAbove(figures["chain: bodies asked for"] ?? 0, 30)
    assert.isUndefined(figures["users who failed"])
  })

  it("beside each of those that misbehave, where nothing else goes wrong", async () => {
    const { figures } = await check(chain, { seeds: 40, profile: "calm" })
    for (const part of ["boaster", "forger", "flooder", "frozen", "slow", "foreigner"])
      assert.isAbove(figures[`chain: nodes that are ${part}`] ?? 0, 0, part)
  })

  it("where the network fails, processes die and clocks are wrong, twice to the same end", async () => {
    for (const profile of ["network", "crash", "clock", "database"] as const)
      await check(chain, { seeds: 4, from: 1_000, profile, twice: true })
  })

  it.for([
    [214115320134, "a line is silent for longer than a block is waited for"],
    [214115320238, "blocks take longer than a write may, on slow lines"],
    [700167, "a frame fills the inbox of a session just as its handler has found nothing"],
    [1029225047872, "the only maker with a clock near the true time has one that is 19 s slow"]
  ] as const)("in the world %i, where %s", async ([seed]) => void (await check(chain, { seeds: 1, from: seed })))

  it("on PostgreSQL's own database as well", async () => {
    const plan = Swarm.generate(7_001, "crash", { database: "pglite", nodes: 3, duration: 8_000, operations: 8 })
    assert.deepStrictEqual((await Simulation.make(chain).run(7_001, plan)).verdict, held)
  })
})
