/**
 * The flags that commands of the simulator share.
 */
import { Effect, Option, Schema } from "effect"
import { Flag } from "effect/cli"
import * as ChildProcess from "node:child_process"
import { promisify } from "node:util"
import { type Drawing, databases, profileNames } from "./Drawing.ts"

const bounded = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

export const whole = (name: string, minimum: number, maximum: number, what: string) =>
  Flag.Int(name).pipe(
    Flag.withMetavar("<n>"),
    Flag.withDescription(what),
    Flag.withSchema(bounded(minimum, maximum)),
    Flag.optional
  )

export const scenarioGiven = Flag.String("scenario").pipe(
  Flag.withMetavar("<name | file>"),
  Flag.withDescription(
    "A scenario that is built in (ledger), or a file of yours that exports one: ./mine.ts or ./mine.ts#name"
  )
)

export const scenario = Flag.withDefault(scenarioGiven, "ledger")

/** A module that the processes that run seeds load before everything else. */
export const preload = Flag.String("import").pipe(Flag.withMetavar("<module>"), Flag.withHidden, Flag.optional)

const profile = Flag.Literals("profile", profileNames)

export const profileOr = (standard: Drawing["profile"]) =>
  profile.pipe(Flag.withDescription("What goes wrong"), Flag.withDefault(standard))

export const drawing = {
  nodes: whole("nodes", 1, 64, "Nodes (default: 3 to 5, by the seed)"),
  operations: whole("operations", 0, 1_000_000, "Operations of the users of each node (default: 5 to 30, by the seed)"),
  database: Flag.Literals("database", databases).pipe(
    Flag.withDescription("Databases in memory, embedded ones (pglite), or these in 5 % of the runs (mixed)"),
    Flag.optional
  )
}

export const duration = whole(
  "duration",
  1,
  31_536_000_000,
  "Milliseconds under faults (default: 10000 to 40000, by the seed)"
)

/** Where failures are kept, unless somebody wants otherwise. */
export const failures = Flag.String("failures").pipe(
  Flag.withMetavar("<folder>"),
  Flag.withDescription("Where failures are kept as files"),
  Flag.withDefault(".holdfast-sim")
)

interface Drawn {
  readonly profile: Drawing["profile"]
  readonly nodes: Option.Option<number>
  readonly operations: Option.Option<number>
  readonly database: Option.Option<(typeof databases)[number]>
  readonly duration?: Option.Option<number>
}

/** The flags that were given. */
export const drawingOf = (given: Drawn): Drawing => ({
  profile: given.profile,
  ...(Option.isSome(given.nodes) ? { nodes: given.nodes.value } : {}),
  ...(Option.isSome(given.operations) ? { operations: given.operations.value } : {}),
  ...(Option.isSome(given.database) ? { database: given.database.value } : {}),
  ...(given.duration !== undefined && Option.isSome(given.duration) ? { duration: given.duration.value } : {})
})

/** How this program was called, for commands that are to be typed: by a script of npm, by npx, or by its name. */
export const called = (env: Readonly<Record<string, string | undefined>>): string => {
  const event = env["npm_lifecycle_event"]
  return event === "sim" ? "npm run sim --" : event === "npx" ? "npx holdfast sim" : "holdfast sim"
}

/** A word as a shell takes it. */
export const quoted = (word: string): string =>
  /^[\w./#:@-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

/** The same as arguments, for a command that is to be typed again. */
export const argumentsOf = (drawing: Drawing, scenario: string): string =>
  [
    ...(scenario === "ledger" ? [] : [`--scenario ${quoted(scenario)}`]),
    ...(drawing.profile === "swarm" ? [] : [`--profile ${drawing.profile}`]),
    ...(["nodes", "duration", "operations", "database"] as const).flatMap((key) =>
      drawing[key] === undefined ? [] : [`--${key} ${drawing[key]}`]
    )
  ]
    .map((argument) => ` ${argument}`)
    .join("")

const execute = promisify(ChildProcess.execFile)

/** The commit of the sources in this folder; empty if it is none. */
export const commit: Effect.Effect<string> = Effect.promise(() =>
  execute("git", ["rev-parse", "HEAD"], { timeout: 5_000 }).then(
    ({ stdout }) => stdout.trim(),
    () => ""
  )
)
