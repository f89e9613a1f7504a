/**
 * `holdfast sim explain`: a failure as a page for a browser, or as text.
 */
import { Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as SimFlags from "./SimFlags.ts"

export const ExplainCommand = Command.make(
  "explain",
  {
    file: Argument.String("file").pipe(Argument.withDescription("The file of a failure")),
    output: Flag.String("output").pipe(
      Flag.withAlias("o"),
      Flag.withMetavar("<file>"),
      Flag.withDescription("Where the page is written (default: beside the failure, as <name>.html)"),
      Flag.optional
    ),
    text: Flag.Boolean("text").pipe(
      Flag.withoutNegation,
      Flag.withDescription("Print it as text instead"),
      Flag.withDefault(false)
    ),
    node: Flag.String("node").pipe(
      Flag.withMetavar("<name>"),
      Flag.withDescription("With --text: only what concerns this node"),
      Flag.withSchema(
        Schema.String.check(Schema.isPattern(/^[a-z][a-z0-9-]{0,15}$/, { expected: "the name of a node, such as b" }))
      ),
      Flag.optional
    ),
    until: SimFlags.whole("until", 0, Number.MAX_SAFE_INTEGER, "With --text: only up to this millisecond of the run")
  },
  Effect.fnUntraced(function* (given) {
    const { explain } = yield* Effect.promise(() => import("./Explain.ts"))
    yield* explain({
      file: given.file,
      output: Option.getOrUndefined(given.output),
      text: given.text,
      node: Option.getOrUndefined(given.node),
      until: Option.getOrUndefined(given.until)
    })
  })
).pipe(
  Command.withDescription("Show what happened in a failure: a page with its timeline, or text"),
  Command.withExamples([
    { command: "holdfast sim explain .holdfast-sim/ledger-17.json" },
    { command: "holdfast sim explain .holdfast-sim/ledger-17.json --text --node b --until 4000" }
  ])
)
