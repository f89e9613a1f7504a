/**
 * The command `holdfast` itself: what all its subcommands share.
 */
import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { dataFolder } from "../Config.ts"
import { path } from "./Given.ts"

export const Root = Command.make("holdfast").pipe(
  Command.withSharedFlags({
    data: Flag.String("data").pipe(
      Flag.withMetavar("<folder>"),
      Flag.withDescription("The node's data folder (default .holdfast in this folder) [HOLDFAST_DATA]"),
      Flag.withSchema(path("a folder")),
      Flag.optional
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withoutNegation,
      Flag.withDescription("Print JSON: one value, or one per line where it goes on"),
      Flag.withDefault(false)
    )
  })
)

/** The data folder that a command is about, absolute. */
export const folder = Effect.map(Root, ({ data }) =>
  dataFolder({ data: Option.getOrUndefined(data), env: process.env })
)

const asText = (_: string, value: unknown): unknown => (typeof value === "bigint" ? value.toString() : value)

/** One line of JSON; 64-bit numbers are texts, as in the API. */
export const json = (value: unknown): string => JSON.stringify(value, asText)

/** Prints a result: as JSON if that was asked for, for people otherwise. */
export const print = Effect.fnUntraced(function* <A>(value: A, forPeople: (value: A) => string) {
  const root = yield* Root
  yield* Console.log(root.json ? json(value) : forPeople(value))
})
