import { assert, describe, it } from "@effect/vitest"
import * as Simulation from "../../src/testing/campaign/Simulation.ts"
import { chain } from "../../src/testing/chain/ChainScenario.ts"
import { held } from "../../src/testing/cluster/Verdict.ts"
import type { FaultPlan } from "../../src/testing/faults/FaultPlan.ts"
import { calm } from "../../src/testing/network/NetModel.ts"
import { fifo } from "../../src/testing/world/Schedule.ts"

describe("producers whose clocks are all half a minute slow", () => {
  it("make blocks by those clocks, and the chain that goes on so is not an old one", async () => {
    const setBack = (node: string) => ({
      when: { at: 1_000 },
      fault: { _tag: "ClockStep" as const, node, by: -30_000 }
    })
    const plan: FaultPlan = {
      version: 1,
      nodes: 2,
      duration: 90_000,
      schedule: fifo,
      network: calm,
      operations: 10,
      database: "memory",
      faults: [setBack("a"), setBack("b")]
    }
    // Two in which the producers take turns.
    for (const seed of [3, 4]) {
      const { figures, verdict } = await Simulation.make(chain).run(seed, plan)
      assert.deepStrictEqual(verdict, held, `seed ${seed}`)
      assert.isUndefined(figures["chain: blocks made by users"], `seed ${seed}`)
      assert.isAbove(figures["chain: blocks applied"] ?? 0, 20, `seed ${seed}`)
    }
  })
})
