/**
 * A simulation as a test: runs a scenario under many plans and throws with everything that a person needs if one fails.
 *
 * `SIM_SEED=123` in the environment runs that seed alone, as a failure asks for.
 */
import type { Scenario } from "../cluster/Scenario.ts"
import { describe, isFailure } from "../cluster/Verdict.ts"
import type { FaultPlan } from "../faults/FaultPlan.ts"
import type { Family } from "../faults/Families.ts"
import * as Swarm from "../faults/Swarm.ts"
import { describeFault } from "../faults/Words.ts"
import { Campaign, runOf, type Totals } from "./Campaign.ts"
import { divergence } from "./Determinism.ts"
import * as Simulation from "./Simulation.ts"

export interface Options {
  /** How many seeds, from `from` on (0 by default). */
  readonly seeds: number
  readonly from?: number | undefined
  /** Which faults there are; "swarm" by default. */
  readonly profile?: Swarm.Profile | undefined
  /** Nodes, milliseconds and operations at each node, if they are not to be drawn. */
  readonly nodes?: number | undefined
  readonly duration?: number | undefined
  readonly operations?: number | undefined
  /** Families of faults that the scenario cannot stand: "disk" where nothing brings back what a backup has not. */
  readonly without?: ReadonlyArray<Family> | undefined
  /** Runs every seed twice and compares; off by default. */
  readonly twice?: boolean | undefined
}

/** A simulated run that did not hold. The message has the seed, the plan and what went wrong. */
export class SimulationFailed extends Error {
  override readonly name = "SimulationFailed"
}

const seedsOf = ({ from = 0, seeds }: Options): ReadonlyArray<number> => {
  const asked = process.env["SIM_SEED"]
  if (asked === undefined || asked === "") return Array.from({ length: seeds }, (_, index) => from + index)
  const seed = Number(asked)
  if (!Number.isSafeInteger(seed) || seed < 0) throw new RangeError(`SIM_SEED is "${asked}", give a number such as 123`)
  return [seed]
}

/** The plan of a seed, with the database that the scenario asks for. */
export const planOf = (simulation: Simulation.Simulation, seed: number, options: Omit<Options, "seeds">): FaultPlan => {
  const plan = Swarm.generate(seed, options.profile ?? "swarm", options)
  return simulation.database === undefined ? plan : { ...plan, database: simulation.database }
}

const faultsOf = ({ faults }: FaultPlan): string =>
  faults.map(({ fault, when }) => `  ${JSON.stringify(when)} ${describeFault(fault)}`).join("\n")

const failed = (scenario: string, seed: number, plan: FaultPlan, words: string): SimulationFailed =>
  new SimulationFailed(
    `scenario "${scenario}", seed ${seed}: ${words}\n` +
      `${plan.nodes} nodes, ${plan.duration} ms, ${plan.operations} operations each, ${plan.schedule.order} schedule, ` +
      `${plan.database}, faults:\n${faultsOf(plan)}\nTo run it alone: SIM_SEED=${seed}`
  )

/** Runs the seeds one after the other and resolves to what was seen; rejects with the first failure. */
export const check = async <R>(scenario: Scenario<R>, options: Options): Promise<Totals> => {
  const simulation = Simulation.make(scenario)
  const campaign = new Campaign(simulation.sometimes)
  for (const seed of seedsOf(options)) {
    const plan = planOf(simulation, seed, options)
    const result = await simulation.run(seed, plan)
    if (isFailure(result.verdict)) throw failed(scenario.name, seed, plan, describe(result.verdict))
    campaign.add(runOf(result), () => plan)
    if (options.twice !== true) continue
    const parted = divergence(result, await simulation.run(seed, plan))
    if (parted !== undefined) {
      throw failed(scenario.name, seed, plan, `two runs differ after event ${parted.sameUntil}: ${parted.detail}`)
    }
  }
  const { unseen } = campaign.totals
  if (unseen.length > 0 && process.env["SIM_SEED"] === undefined) {
    throw new SimulationFailed(`${options.seeds} seeds never showed: ${unseen.join(", ")}`)
  }
  return campaign.totals
}
