/**
 * A scenario made ready to run: give it a seed and a plan and it gives the result, always the same one.
 */
import * as MemoryDatabases from "../database/MemoryDatabases.ts"
import * as PgliteDatabases from "../database/PgliteDatabases.ts"
import { nodeNames } from "../cluster/NodeNames.ts"
import type { Keep, Result } from "../cluster/Result.ts"
import type { Scenario } from "../cluster/Scenario.ts"
import { type Databases, simulate } from "../cluster/Simulate.ts"
import type { Family } from "../faults/Families.ts"
import type { FaultPlan } from "../faults/FaultPlan.ts"

export interface Simulation {
  readonly name: string
  /** The database that its plans use unless they say otherwise. */
  readonly database: FaultPlan["database"] | undefined
  /** Families of faults that are in none of its plans. */
  readonly without: ReadonlyArray<Family>
  /** What a campaign must have seen at least once. */
  readonly sometimes: ReadonlyArray<string>
  readonly run: (seed: number, plan: FaultPlan, keep?: Keep) => Promise<Result>
}

/** Events that are kept in words unless more are asked for. */
const kept = 10_000

const databasesOf = async (plan: FaultPlan): Promise<Databases> =>
  plan.database === "pglite"
    ? await PgliteDatabases.acquire(nodeNames(plan.nodes))
    : { of: MemoryDatabases.make, release: async () => undefined }

export const make = <R>(scenario: Scenario<R>): Simulation => ({
  name: scenario.name,
  database: scenario.database,
  without: scenario.without ?? [],
  sometimes: (scenario.properties ?? []).flatMap(({ _tag, name }) => (_tag === "Sometimes" ? [name] : [])),
  run: async (seed, plan, keep = { events: kept }) => simulate(scenario, seed, plan, keep, await databasesOf(plan))
})
