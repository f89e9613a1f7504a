/**
 * `holdfast sim shrink`: the least plan that still fails in the same way.
 */
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { duration } from "../SettingValue.ts"
import * as SimFlags from "./SimFlags.ts"

export const ShrinkCommand = Command.make(
  "shrink",
  {
    file: Argument.String("file").pipe(Argument.withDescription("The file of a failure")),
    time: Flag.String("time").pipe(
      Flag.withMetavar("<duration>"),
      Flag.withDescription("How long to search at most (default 60s)"),
      Flag.withSchema(duration(1, 86_400_000)),
      Flag.optional
    ),
    output: Flag.String("output").pipe(
      Flag.withAlias("o"),
      Flag.withMetavar("<file>"),
      Flag.withDescription("Where the shrunk failure is written (default: beside the other, as <name>-shrunk.json)"),
      Flag.optional
    ),
    scenario: Flag.optional(SimFlags.scenarioGiven),
    preload: SimFlags.preload
  },
  Effect.fnUntraced(function* (given) {
    const { shrinkFile } = yield* Effect.promise(() => import("./ShrinkFile.ts"))
    yield* shrinkFile({
      file: given.file,
      millis: Option.getOrElse(given.time, () => 60_000),
      output: Option.getOrUndefined(given.output),
      scenario: Option.getOrUndefined(given.scenario),
      preload: Option.getOrUndefined(given.preload),
      screen: process.stderr
    })
  }, Effect.scoped)
).pipe(
  Command.withDescription("Search for the least plan that still fails in the same way: fewer nodes, faults and words"),
  Command.withExamples([{ command: "holdfast sim shrink .holdfast-sim/ledger-17.json --time 5m" }])
)
