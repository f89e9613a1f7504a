/**
 * `holdfast sim determinism`: whether a seed makes one run.
 */
import { Effect, Option } from "effect"
import { Command } from "effect/cli"
import { availableParallelism } from "node:os"
import * as SimFlags from "./SimFlags.ts"

export const DeterminismCommand = Command.make(
  "determinism",
  {
    sample: SimFlags.whole("sample", 1, 1_000_000, "How many seeds (default 200)"),
    from: SimFlags.whole("from", 0, 1_000_000_000_000, "The first seed (default 0)"),
    profile: SimFlags.profileOr("all-faults"),
    scenario: SimFlags.scenario,
    ...SimFlags.drawing,
    duration: SimFlags.duration,
    jobs: SimFlags.whole("jobs", 1, 256, "Processes at a time (default: one for each processor)"),
    processes: SimFlags.whole(
      "processes",
      1,
      8,
      "Run them again in so many fresh processes: with another time zone, language, random seed and heap each, and the last without compilation to machine code, for which there must be a build (npm run build)"
    ),
    preload: SimFlags.preload
  },
  Effect.fnUntraced(function* (given) {
    const { determinism } = yield* Effect.promise(() => import("./Determinism.ts"))
    yield* determinism({
      sample: Option.getOrElse(given.sample, () => 200),
      from: Option.getOrElse(given.from, () => 0),
      scenario: given.scenario,
      drawing: SimFlags.drawingOf(given),
      jobs: Option.getOrElse(given.jobs, availableParallelism),
      processes: Option.getOrElse(given.processes, () => 0),
      preload: Option.getOrUndefined(given.preload),
      screen: process.stderr
    })
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Run every seed twice in one process, and again in others if asked to: all runs of a seed must be the same run"
  ),
  Command.withExamples([
    { command: "holdfast sim determinism --sample 1000" },
    { command: "holdfast sim determinism --sample 100 --processes 3" }
  ]),
  Command.withShortDescription("Check that a seed makes one run")
)
