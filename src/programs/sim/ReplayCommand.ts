/**
 * `holdfast sim replay`: one run again, by its seed or by the file of its failure.
 */
import { Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as SimFlags from "./SimFlags.ts"

const flags = {
  what: Argument.String("seed | file").pipe(Argument.withDescription("A seed, or the file of a failure")),
  profile: SimFlags.profileOr("swarm"),
  scenario: Flag.optional(SimFlags.scenarioGiven),
  ...SimFlags.drawing,
  duration: SimFlags.duration,
  until: SimFlags.whole("until", 0, Number.MAX_SAFE_INTEGER, "Tell the run up to this event only"),
  log: Flag.String("log").pipe(
    Flag.withMetavar("node=<name>"),
    Flag.withDescription("Tell what concerns this node only"),
    Flag.withSchema(
      Schema.String.check(
        Schema.isPattern(/^node=[a-z][a-z0-9-]{0,15}$/, { expected: "node= and a name, as in node=b" })
      )
    ),
    Flag.optional
  ),
  trace: Flag.Boolean("trace").pipe(
    Flag.withoutNegation,
    Flag.withDescription("Print the last 10,000 events, one a line"),
    Flag.withDefault(false)
  ),
  preload: SimFlags.preload
}

export const ReplayCommand = Command.make(
  "replay",
  flags,
  Effect.fnUntraced(function* (given) {
    const { replay } = yield* Effect.promise(() => import("./Replay.ts"))
    yield* replay({
      what: given.what,
      scenario: Option.getOrUndefined(given.scenario),
      drawing: SimFlags.drawingOf(given),
      until: Option.getOrUndefined(given.until),
      node: Option.getOrUndefined(given.log)?.slice("node=".length),
      trace: given.trace,
      preload: Option.getOrUndefined(given.preload)
    })
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Run one seed again, or the file of a failure, and say whether it was the same run: exits with the code of its\n" +
      "  verdict if it was, with 4 if it diverged"
  ),
  Command.withShortDescription("Run one seed or one failure again"),
  Command.withExamples([
    { command: "holdfast sim replay 17 --profile all-faults" },
    { command: "holdfast sim replay .holdfast-sim/ledger-17.json --log node=b --until 4000" }
  ])
)
