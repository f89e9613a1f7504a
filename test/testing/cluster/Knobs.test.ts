import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { DeliveryConfig } from "../../../src/services/delivery/DeliveryConfig.ts"
import { LinkConfig } from "../../../src/services/link/LinkConfig.ts"
import * as Simulation from "../../../src/testing/campaign/Simulation.ts"
import * as Scenario from "../../../src/testing/cluster/Scenario.ts"
import { held } from "../../../src/testing/cluster/Verdict.ts"
import type { Knobs } from "../../../src/testing/faults/Knobs.ts"
import { generate } from "../../../src/testing/faults/Swarm.ts"

/** What the nodes of a short calm run find as their figures. */
const figuresUnder = async (knobs: Knobs): Promise<ReadonlyArray<readonly [number, number]>> => {
  const seen: Array<readonly [number, number]> = []
  const scenario = Scenario.make({
    name: "figures",
    protocols: [],
    users: () =>
      Effect.gen(function* () {
        seen.push([(yield* LinkConfig).probeTimeout, (yield* DeliveryConfig).sweep])
      })
  })
  const plan = generate(1, "calm", { nodes: 2, duration: 3_000, operations: 0 })
  const { verdict } = await Simulation.make(scenario).run(1, { ...plan, knobs })
  assert.deepStrictEqual(verdict, held)
  return seen
}

describe("a simulated node", () => {
  it("runs with the figures that the plan sets, and with production's otherwise", async () => {
    assert.deepStrictEqual(await figuresUnder({ probeTimeout: 777, sweep: 8_888 }), [
      [777, 8_888],
      [777, 8_888]
    ])
    assert.deepStrictEqual(await figuresUnder({}), [
      [2_000, 30_000],
      [2_000, 30_000]
    ])
  })
})
