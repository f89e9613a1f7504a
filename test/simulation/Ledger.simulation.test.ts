/**
 * The promise of Holdfast, held to under everything that a swarm draws. Which seeds were run is printed; how many more
 * there are is for `npm run sim -- run` to try.
 */
import { assert, describe, it } from "@effect/vitest"
import { check } from "../../src/testing/campaign/Check.ts"
import * as Simulation from "../../src/testing/campaign/Simulation.ts"
import { held } from "../../src/testing/cluster/Verdict.ts"
import * as Swarm from "../../src/testing/faults/Swarm.ts"
import { cancelling } from "../../src/testing/ledger/CancellingScenario.ts"
import { ledger } from "../../src/testing/ledger/LedgerScenario.ts"
import { worlds } from "../support/worlds/Worlds.ts"

const simulation = Simulation.make(ledger)
const keep = { events: 100 }

describe("everything that is sent takes effect once", { timeout: 1_200_000 }, () => {
  const swarm = worlds(60)

  it(`in ${swarm} worlds of the swarm, which are ${swarm} different ones`, async () => {
    const totals = await check(ledger, { seeds: swarm })
    console.log(`seeds 0..${swarm} of the swarm:`, JSON.stringify(totals, null, 2))
    assert.strictEqual(totals.distinctHashes, swarm)
    assert.isAbove(totals.figures["effects"] ?? 0, 10 * swarm)
    for (const age of ["a second", "an hour", "thirty days"]) assert.isAbove(totals.figures[`ghosts of ${age}`] ?? 0, 0)
  })

  it("or has none, or one at most, if it is taken back in time, or too late", async () => {
    const seeds = worlds(20)
    const { figures } = await check(cancelling, { seeds, from: 20_000, without: ["disk"] })
    for (const outcome of ["cancelled", "unknown"]) assert.isAbove(figures[`taken back: ${outcome}`] ?? 0, seeds)
  })

  it("while the trouble of one node delays nobody else's messages", async () => {
    await check(ledger, { seeds: worlds(15), from: 30_000, profile: "one-node" })
  })

  it("in worlds with every fault there is, run twice to the same end", async () => {
    const { figures } = await check(ledger, { seeds: worlds(10), from: 5_000, profile: "all-faults", twice: true })
    const without = Object.keys(figures).filter((name) => name.startsWith("fault: ") && figures[name] === 0)
    assert.isAtMost(without.length, 6, `never struck: ${without.join(", ")}`)
  })

  it("on PostgreSQL's own database as well", async () => {
    for (let seed = 7_000; seed < 7_000 + worlds(2); seed++) {
      const plan = Swarm.generate(seed, "swarm", { database: "pglite", nodes: 3, duration: 8_000, operations: 8 })
      assert.deepStrictEqual((await simulation.run(seed, plan, keep)).verdict, held)
    }
  })

  it("and while nothing is wrong no session ends and no dial is repeated", async () => {
    const plan = Swarm.generate(1, "calm", { nodes: 4, duration: 60_000, operations: 40 })
    const { figures, verdict } = await simulation.run(1, plan, keep)
    assert.deepStrictEqual(verdict, held)
    const ended = Object.entries(figures).filter(([name]) => name.startsWith("sessions ended"))
    // Two ends of six links.
    assert.strictEqual(figures["sessions"], 12)
    assert.deepStrictEqual(ended, [])
  })
})
