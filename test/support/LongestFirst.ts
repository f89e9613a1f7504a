/**
 * The order of test files: those that take long begin first, so that at the end of a run no core waits for one that the
 * other works on. Where nothing is said of a file, vitest's own order stays.
 */
import { relative } from "node:path"
import { BaseSequencer, type TestSpecification } from "vitest/node"

/** Seconds on two cores, of the files that take some twenty or more; only their order counts. */
export const seconds: Readonly<Record<string, number>> = {
  "test/mutants/Caught.test.ts": 110,
  "test/protocol/link/ArbiterExplorer.test.ts": 100,
  "test/protocol/bitcoin/Fuzz.test.ts": 75,
  "test/simulation/Ledger.simulation.test.ts": 70,
  "test/simulation/LiftEverywhere.simulation.test.ts": 65,
  "test/simulation/Credit.simulation.test.ts": 65,
  "test/simulation/KillEverywhere.simulation.test.ts": 65,
  "test/simulation/Grouped.simulation.test.ts": 50,
  "test/simulation/Chain.simulation.test.ts": 50,
  "test/simulation/credit/AgentScripts.simulation.test.ts": 25,
  "test/simulation/credit/LiftScripts.simulation.test.ts": 25,
  "test/simulation/Timers.simulation.test.ts": 50,
  "test/layers/Pglite.test.ts": 40,
  "test/testing/database/Determinism.test.ts": 35,
  "test/services/link/TalkFuzz.test.ts": 30,
  "test/simulation/EqualTables.simulation.test.ts": 30,
  "test/testing/database/PgliteDatabases.test.ts": 27,
  "test/mutants/Storing.test.ts": 25,
  "test/protocol/link/Fuzz.test.ts": 25,
  "examples/credit/Bakery.test.ts": 22,
  "test/simulation/Records.simulation.test.ts": 22,
  "test/layers/Postgres.test.ts": 22,
  "test/layers/RetryStore.test.ts": 21,
  "test/mutants/Enduring.test.ts": 20,
  "test/mutants/Laning.test.ts": 20,
  "test/mutants/Gossiping.test.ts": 20,
  "test/mutants/Limiting.test.ts": 20,
  "test/mutants/Peering.test.ts": 20,
  "test/layers/Outbox.test.ts": 20,
  "test/protocol/credit/LiftModel.test.ts": 20,
  "examples/chat/Chat.test.ts": 18,
  "test/services/link/Links.test.ts": 18,
  "test/layers/Ownership.test.ts": 17,
  "test/services/credit/ChainDesk.test.ts": 17,
  "test/services/link/FrameTorture.test.ts": 16,
  "test/testing/database/StoresInWorld.test.ts": 16,
  "test/simulation/Bitcoin.simulation.test.ts": 16,
  "test/programs/sim/SimCommand.integration.test.ts": 200,
  "test/integration/Pack.integration.test.ts": 180,
  "test/integration/ChainKills.integration.test.ts": 150,
  "test/integration/DatabaseLoss.integration.test.ts": 120,
  "test/programs/demo/credit/CreditDemo.integration.test.ts": 110,
  "test/integration/KillRounds.integration.test.ts": 95,
  "test/programs/sim/Misuse.integration.test.ts": 90,
  "test/programs/bitcoin/Bitcoin.integration.test.ts": 80,
  "test/integration/ChainSync.integration.test.ts": 75,
  "test/programs/NodeProgram.integration.test.ts": 50,
  "test/programs/credit/CreditPending.integration.test.ts": 50,
  "test/programs/credit/CreditScenarios.integration.test.ts": 50,
  "test/programs/credit/TwoNodes.integration.test.ts": 40,
  "test/programs/credit/ThreeNodes.integration.test.ts": 40,
  "test/programs/Bans.integration.test.ts": 25,
  "test/integration/BadInput.integration.test.ts": 25,
  "test/integration/Observability.integration.test.ts": 25,
  "test/integration/ChainForks.integration.test.ts": 23,
  "test/programs/FaultProxy.integration.test.ts": 23,
  "test/integration/ExplainPage.integration.test.ts": 20,
  "test/programs/chain/Nodes.integration.test.ts": 20,
  "test/programs/chain/Commands.integration.test.ts": 20
}

export class LongestFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const inOrder = await super.sort(files)
    const groups = Map.groupBy(inOrder, ({ project }) => project)
    const timeOf = ({ moduleId, project }: TestSpecification): number =>
      seconds[relative(project.config.root, moduleId)] ?? 0
    return [...groups.values()].flatMap((group) => group.toSorted((one, other) => timeOf(other) - timeOf(one)))
  }
}
