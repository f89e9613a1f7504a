/**
 * `holdfast sim run`: many seeds of a scenario.
 */
import { Clock, Console, Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { availableParallelism } from "node:os"
import { json, Root } from "../cli/Root.ts"
import * as Seeds from "./Seeds.ts"
import { SimulationFailed, SimulationMisused } from "./SimExit.ts"
import * as SimFlags from "./SimFlags.ts"

const flags = {
  seeds: Flag.String("seeds").pipe(
    Flag.withMetavar("<seeds>"),
    Flag.withDescription(
      "17; 5,9,12; 0..2000 (without the last); or fresh:1000, seeds that nobody has run (default fresh:1000)"
    ),
    Flag.withDefault("fresh:1000")
  ),
  fromCommit: Flag.String("from-commit").pipe(
    Flag.withMetavar("<hash>"),
    Flag.withDescription("Take fresh seeds from this commit instead of the clock, the same every time"),
    Flag.withSchema(
      Schema.String.check(Schema.isPattern(/^[0-9a-f]{7,64}$/i, { expected: "7 to 64 hexadecimal digits" }))
    ),
    Flag.optional
  ),
  profile: SimFlags.profileOr("swarm"),
  scenario: SimFlags.scenario,
  jobs: SimFlags.whole("jobs", 1, 256, "Processes that run seeds (default: one for each processor)"),
  ...SimFlags.drawing,
  duration: SimFlags.duration,
  twice: Flag.Boolean("twice").pipe(
    Flag.withoutNegation,
    Flag.withDescription("Run every seed twice and compare"),
    Flag.withDefault(false)
  ),
  failures: SimFlags.failures,
  stopAfter: SimFlags.whole("stop-after", 1, 10_000, "End after so many failures (default 32)"),
  preload: SimFlags.preload
}

const seedsOf = Effect.fnUntraced(function* (given: string, commit: Option.Option<string>) {
  const freshness = Option.isSome(commit)
    ? { commit: commit.value.toLowerCase() }
    : { clock: yield* Clock.currentTimeMillis }
  const seeds = Seeds.parse(given, freshness)
  return seeds._tag === "Success" ? seeds.success : yield* new SimulationMisused({ problem: seeds.failure.message })
})

const run = Effect.fnUntraced(function* (given: Command.Command.Config.Infer<typeof flags>) {
  const seeds = yield* seedsOf(given.seeds, given.fromCommit)
  // Loaded now: help and completions need not wait for the simulator.
  const { carryOut } = yield* Effect.promise(() => import("./Run.ts"))
  const root = yield* Root
  const show = (report: object, text: string) => Console.log(root.json ? json(report) : text)
  const jobs = Math.min(seeds.count, Option.getOrElse(given.jobs, availableParallelism))
  const report = yield* carryOut({
    seeds,
    jobs,
    scenario: given.scenario,
    drawing: SimFlags.drawingOf(given),
    twice: given.twice,
    folder: given.failures,
    stopAfter: Option.getOrElse(given.stopAfter, () => 32),
    preload: Option.getOrUndefined(given.preload),
    screen: process.stderr,
    show
  })
  if (report.exitCode === 0) return
  const problem =
    report.failed > 0
      ? `${report.failed} of ${report.runs} seeds failed`
      : `${report.runs} seeds never showed: ${report.missing.join(", ")}`
  return yield* new SimulationFailed({ problem, exitCode: report.exitCode })
}, Effect.scoped)

export const RunCommand = Command.make("run", flags, run).pipe(
  Command.withDescription("Run many seeds of a scenario, each under a plan of faults that is drawn for it"),
  Command.withExamples([
    { command: "holdfast sim run --seeds 0..2000" },
    {
      command: "holdfast sim run --seeds fresh:100 --twice --profile all-faults",
      description: "With every fault there is, each seed twice"
    },
    { command: "holdfast sim run --seeds 17 --scenario ./mine.ts", description: "One seed of a scenario of your own" }
  ])
)
