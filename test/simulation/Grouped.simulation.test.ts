/**
 * Senders that share commits, and get their numbers with them, under everything that a swarm draws.
 */
import { assert, describe, it } from "@effect/vitest"
import { check } from "../../src/testing/campaign/Check.ts"
import * as Simulation from "../../src/testing/campaign/Simulation.ts"
import { held } from "../../src/testing/cluster/Verdict.ts"
import * as Swarm from "../../src/testing/faults/Swarm.ts"
import { grouped } from "../../src/testing/ledger/GroupedScenario.ts"
import { worlds } from "../support/worlds/Worlds.ts"

describe("what sendNow has acknowledged", { timeout: 600_000 }, () => {
  const swarm = worlds(25)

  it(`takes effect once and in order in ${swarm} worlds of the swarm`, async () => {
    const { distinctHashes } = await check(grouped, { seeds: swarm, from: 40_000, without: ["disk"] })
    assert.strictEqual(distinctHashes, swarm)
  })

  it("and in worlds with every fault but restored disks, run twice to the same end", async () => {
    await check(grouped, { seeds: worlds(5), from: 41_000, profile: "all-faults", twice: true, without: ["disk"] })
  })

  it("and on PostgreSQL's own database", async () => {
    const simulation = Simulation.make(grouped)
    for (let seed = 42_000; seed < 42_000 + worlds(2); seed++) {
      const options = { database: "pglite", nodes: 3, duration: 8_000, operations: 8, without: ["disk"] } as const
      const { verdict } = await simulation.run(seed, Swarm.generate(seed, "swarm", options), { events: 100 })
      assert.deepStrictEqual(verdict, held)
    }
  })
})
