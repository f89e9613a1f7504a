import { assert, describe, it } from "@effect/vitest"
import * as Simulation from "../../src/testing/campaign/Simulation.ts"
import { held } from "../../src/testing/cluster/Verdict.ts"
import type { FaultPlan } from "../../src/testing/faults/FaultPlan.ts"
import { ledger } from "../../src/testing/ledger/LedgerScenario.ts"
import { calm } from "../../src/testing/network/NetModel.ts"
import { fifo } from "../../src/testing/world/Schedule.ts"

describe("messages that wait for their time", () => {
  it("do not wait longer because their sender's clock was set back", async () => {
    const plan: FaultPlan = {
      version: 1,
      nodes: 2,
      duration: 12_000,
      schedule: fifo,
      network: calm,
      operations: 80,
      database: "memory",
      faults: [{ when: { at: 9_000 }, fault: { _tag: "ClockStep", node: "a", by: -1_680_000 } }]
    }
    // Two in which a message was put off when the clock jumped.
    for (const seed of [6, 18]) {
      const { verdict } = await Simulation.make(ledger).run(seed, plan)
      assert.deepStrictEqual(verdict, held, `seed ${seed}`)
    }
  })
})
