/**
 * What the exit code of `holdfast sim` means, and the failures that carry one.
 */
import { Schema } from "effect"
import type { Verdict } from "../../testing/cluster/Verdict.ts"
import { ExitCode } from "../ExitCode.ts"

export const SimExit = {
  ok: 0,
  /** Something happened that must never happen. */
  unsafe: 2,
  /** Something that must happen did not. */
  stuck: 3,
  /** One seed made two runs. */
  undetermined: 4,
  /** The simulator, the scenario or a check is broken. */
  harness: 5,
  usage: ExitCode.simulation
} as const

/** As `--help` says it. */
export const meaning = [
  "Exit codes:",
  "0   everything held",
  "1   unexpected failure of the command itself",
  "2   safety: something happened that must never happen",
  "3   liveness: something that must happen did not, or a declared sometimes was never seen in 200 seeds or more",
  "4   nondeterminism: a run reached out of its world, or two runs of one seed differ",
  "5   the simulator, the scenario or a check is broken",
  "64  wrong usage",
  "The gravest of several counts: 2, then 4, 5, 3."
].join("\n    ")

export const codeOf = ({ _tag }: Verdict): number => {
  switch (_tag) {
    case "Held":
    case "Hopeless":
      return SimExit.ok
    case "Unsafe":
      return SimExit.unsafe
    case "Stuck":
      return SimExit.stuck
    case "Leaked":
      return SimExit.undetermined
    case "Broken":
      return SimExit.harness
  }
}

const gravity: ReadonlyArray<number> = [SimExit.unsafe, SimExit.undetermined, SimExit.harness, SimExit.stuck]

/** The gravest of several codes. */
export const gravest = (codes: Iterable<number>): number => {
  const given = new Set(codes)
  return gravity.find((code) => given.has(code)) ?? SimExit.ok
}

/** The command was carried out, and what it ran did not hold. */
export class SimulationFailed extends Schema.TaggedError<SimulationFailed>()("SimulationFailed", {
  problem: Schema.String,
  exitCode: Schema.Int
}) {
  override get message(): string {
    return this.problem
  }
}

/** What the command was given cannot be used. */
export class SimulationMisused extends Schema.TaggedError<SimulationMisused>()("SimulationMisused", {
  problem: Schema.String
}) {
  readonly exitCode = SimExit.usage
  override get message(): string {
    return this.problem
  }
}

/** A process that runs seeds ended, or answered what it should not. */
export class WorkerBroken extends Schema.TaggedError<WorkerBroken>()("WorkerBroken", {
  problem: Schema.String
}) {
  readonly exitCode = SimExit.harness
  override get message(): string {
    return this.problem
  }
}
