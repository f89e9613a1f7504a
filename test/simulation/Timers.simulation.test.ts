/**
 * Durable timers under everything that a swarm draws.
 */
import { assert, describe, it } from "@effect/vitest"
import { check } from "../../src/testing/campaign/Check.ts"
import * as Simulation from "../../src/testing/campaign/Simulation.ts"
import { held } from "../../src/testing/cluster/Verdict.ts"
import * as Swarm from "../../src/testing/faults/Swarm.ts"
import type { FaultPlan } from "../../src/testing/faults/FaultPlan.ts"
import { timers } from "../../src/testing/timers/TimersScenario.ts"
import { worlds } from "../support/worlds/Worlds.ts"

describe("every timer that is not taken back rings once, in its time", { timeout: 600_000 }, () => {
  const swarm = worlds(30)

  it(`in ${swarm} worlds of the swarm`, async () => {
    const { figures } = await check(timers, { seeds: swarm })
    assert.isAbove(figures["timers: Rang"] ?? 0, 50 * swarm)
    assert.isAbove(figures["timers: Cancelled"] ?? 0, 20 * swarm)
  })

  it("in worlds that kill, and where commits fail on either side of their moment, run twice to the same end", async () => {
    await check(timers, { seeds: worlds(5), from: 1_000, profile: "crash", twice: true })
    await check(timers, { seeds: worlds(5), from: 2_000, profile: "database", twice: true })
    await check(timers, { seeds: worlds(5), from: 3_000, profile: "clock", twice: true })
  })

  it("on PostgreSQL's own database as well", async () => {
    for (let seed = 4_000; seed < 4_000 + worlds(2); seed++) {
      const plan = Swarm.generate(seed, "crash", { database: "pglite", nodes: 2, duration: 8_000, operations: 10 })
      assert.deepStrictEqual((await Simulation.make(timers).run(seed, plan)).verdict, held)
    }
  })

  it("whichever of the first 300 events a kill follows", async () => {
    const simulation = Simulation.make(timers)
    const killing = (event: number): FaultPlan => ({
      ...Swarm.generate(5, "calm", { nodes: 1, duration: 1_500, operations: 24 }),
      faults: [{ when: { event }, fault: { _tag: "Kill", node: "a", down: 200, end: "rst" } }]
    })
    let killed = 0
    for (let event = 1; event <= 300; event++) {
      const { figures, verdict } = await simulation.run(5, killing(event), { events: 100 })
      assert.deepStrictEqual(verdict, held, `killed at event ${event}`)
      killed += figures["fault: Kill"] ?? 0
    }
    assert.isAbove(killed, 250)
  })
})
