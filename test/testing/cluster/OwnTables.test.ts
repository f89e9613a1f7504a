import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Simulation from "../../../src/testing/campaign/Simulation.ts"
import { held } from "../../../src/testing/cluster/Verdict.ts"
import * as PgliteInstances from "../../../src/testing/database/PgliteInstances.ts"
import type { FaultPlan } from "../../../src/testing/faults/FaultPlan.ts"
import { ledger } from "../../../src/testing/ledger/LedgerScenario.ts"
import { calm } from "../../../src/testing/network/NetModel.ts"
import { fifo } from "../../../src/testing/world/Schedule.ts"

describe("a scenario's own tables", () => {
  afterAll(PgliteInstances.closeIdle)

  it("are there again on a backup that is older than they are", async () => {
    const plan: FaultPlan = {
      version: 1,
      nodes: 2,
      duration: 1_000,
      schedule: fifo,
      network: calm,
      operations: 2,
      database: "pglite",
      faults: [{ when: { at: 300 }, fault: { _tag: "RestoreBackup", node: "b", takenAt: 0, down: 3 } }]
    }
    const { verdict } = await Simulation.make(ledger).run(1, plan)
    assert.deepStrictEqual(verdict, held)
  })
})
