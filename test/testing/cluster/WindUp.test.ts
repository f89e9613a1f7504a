import { assert, describe, it } from "@effect/vitest"
import * as Simulation from "../../../src/testing/campaign/Simulation.ts"
import { held } from "../../../src/testing/cluster/Verdict.ts"
import type { FaultPlan } from "../../../src/testing/faults/FaultPlan.ts"
import { ledger } from "../../../src/testing/ledger/LedgerScenario.ts"
import { calm } from "../../../src/testing/network/NetModel.ts"
import { fifo } from "../../../src/testing/world/Schedule.ts"

describe("the end of a run", () => {
  it("is not undone by a restart that was still to come", async () => {
    const restart = (down: number) => ({
      when: { at: 900 },
      fault: { _tag: "Restart", node: down % 20 === 0 ? "a" : "b", down } as const
    })
    const plan: FaultPlan = {
      version: 1,
      nodes: 3,
      duration: 1_000,
      schedule: fifo,
      network: { ...calm, latency: { ...calm.latency, floor: 20, mean: 60 } },
      operations: 0,
      database: "memory",
      faults: Array.from({ length: 2_000 }, (_, n) => restart(10 * n))
    }
    const { verdict } = await Simulation.make(ledger).run(1, plan)
    assert.deepStrictEqual(verdict, held)
  })
})
