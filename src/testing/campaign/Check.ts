/**
 * A simulation as a test: runs a scenario under many plans and throws with everything that a person needs if one fails.
 *
 * `SIM_SEED=123` in the environment runs that seed alone, as a failure asks for. `SIM_FAILURES=folder` keeps what fails
 * there as a file for `holdfast sim explain`, `replay` and `shrink`.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import * as path from "node:path"
import { Config, ConfigProvider, Effect } from "effect"
import type { Scenario } from "../cluster/Scenario.ts"
import type { Result } from "../cluster/Result.ts"
import { describe, isFailure } from "../cluster/Verdict.ts"
import type { FaultPlan } from "../faults/FaultPlan.ts"
import type { Family } from "../faults/Families.ts"
import * as Swarm from "../faults/Swarm.ts"
import { describeFault } from "../faults/Words.ts"
import { Campaign, runOf, type Totals } from "./Campaign.ts"
import { divergence } from "./Determinism.ts"
import * as FailureFile from "./FailureFile.ts"
import * as Simulation from "./Simulation.ts"

export interface Options {
  /** How many seeds, 1 at least, from `from` on (0 by default). */
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

/** A setting of the environment as it is now; empty if there is none. */
const setting = (name: "SIM_SEED" | "SIM_FAILURES"): string =>
  Effect.runSync(Config.String(name).pipe(Config.withDefault("")).parse(ConfigProvider.fromEnv()))

/** A test that runs nothing would always be green. */
const seedsOf = ({ from = 0, seeds }: Options): ReadonlyArray<number> => {
  const asked = setting("SIM_SEED")
  if (asked === "") {
    if (!Number.isSafeInteger(seeds) || seeds < 1) throw new RangeError(`seeds is ${seeds}: give a number from 1 on`)
    if (!Number.isSafeInteger(from) || from < 0) throw new RangeError(`from is ${from}: give a seed, 0 or more`)
    return Array.from({ length: seeds }, (_, index) => from + index)
  }
  const seed = Number(asked)
  if (!/^\d+$/.test(asked) || !Number.isSafeInteger(seed))
    throw new RangeError(`SIM_SEED is "${asked}", give one seed such as 123`)
  return [seed]
}

/** The plan of a seed, with the database that the scenario asks for. */
export const planOf = (simulation: Simulation.Simulation, seed: number, options: Omit<Options, "seeds">): FaultPlan => {
  const without = [...simulation.without, ...(options.without ?? [])]
  const plan = Swarm.generate(seed, options.profile ?? "swarm", { ...options, without })
  return simulation.database === undefined ? plan : { ...plan, database: simulation.database }
}

const faultsOf = ({ faults }: FaultPlan): string =>
  faults.map(({ fault, when }) => `  ${JSON.stringify(when)} ${describeFault(fault)}`).join("\n")

const manifestVersion = (name: string): string => {
  const manifest: unknown = createRequire(import.meta.url)(`${name}/package.json`)
  return typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : ""
}

/** Keeps the file of a failure if that is asked for; how to have it, or where it is. */
const kept = (result: Result): string => {
  const folder = setting("SIM_FAILURES")
  if (folder === "")
    return "To have it as a page with its timeline: SIM_FAILURES=.holdfast-sim beside that, then holdfast sim explain <file>"
  const versions = {
    node: process.versions.node,
    effect: manifestVersion("effect"),
    holdfast: manifestVersion("holdfast")
  }
  const file = FailureFile.fromResult(result, { commit: "", versions })
  const at = path.join(folder, FailureFile.fileName(file))
  mkdirSync(folder, { recursive: true })
  writeFileSync(at, FailureFile.encode(file))
  return `To see what happened: holdfast sim explain ${at}`
}

const failed = (result: Result, words: string): SimulationFailed => {
  const { plan, scenario, seed } = result
  return new SimulationFailed(
    `scenario "${scenario}", seed ${seed}: ${words}\n` +
      `${plan.nodes} nodes, ${plan.duration} ms, ${plan.operations} operations each, ${plan.schedule.order} schedule, ` +
      `${plan.database}, faults:\n${faultsOf(plan)}\nTo run it alone: SIM_SEED=${seed}\n${kept(result)}`
  )
}

/** Runs the seeds one after the other and resolves to what was seen; rejects with the first failure. */
export const check = async <R>(scenario: Scenario<R>, options: Options): Promise<Totals> => {
  const simulation = Simulation.make(scenario)
  const campaign = new Campaign(simulation.sometimes)
  for (const seed of seedsOf(options)) {
    const plan = planOf(simulation, seed, options)
    const result = await simulation.run(seed, plan)
    if (isFailure(result.verdict)) throw failed(result, describe(result.verdict))
    campaign.add(runOf(result), () => plan)
    if (options.twice !== true) continue
    const parted = divergence(result, await simulation.run(seed, plan))
    if (parted !== undefined) {
      throw failed(result, `two runs differ after event ${parted.sameUntil}: ${parted.detail}`)
    }
  }
  const { unseen } = campaign.totals
  if (unseen.length > 0 && setting("SIM_SEED") === "") {
    throw new SimulationFailed(`${options.seeds} seeds never showed: ${unseen.join(", ")}`)
  }
  return campaign.totals
}
