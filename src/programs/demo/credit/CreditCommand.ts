/**
 * `npm run demo -- credit`.
 */
import { Duration, Effect, Option } from "effect"
import { Command } from "effect/cli"
import * as Flags from "../DemoFlags.ts"
import { DemoNotPassed } from "../DemoNotPassed.ts"
import * as Run from "./Run.ts"

export const CreditCommand = Command.make(
  "credit",
  {
    deadline: Flags.deadline("Seconds within which everything must be settled", 300),
    databaseUrl: Flags.databaseUrl("five"),
    json: Flags.json
  },
  Effect.fnUntraced(function* ({ databaseUrl, deadline, json }) {
    const { lines, summary } = yield* Run.run({
      deadline: Duration.seconds(deadline),
      database: Option.getOrUndefined(databaseUrl),
      screen: json ? process.stderr : process.stdout
    }).pipe(Effect.tapError(({ message }) => Effect.sync(() => process.stderr.write(`${message}\n`))))
    const printed = json ? [JSON.stringify(summary, null, 2)] : ["", ...lines]
    yield* Effect.sync(() => process.stdout.write(`${printed.join("\n")}\n`))
    if (!summary.ok) return yield* new DemoNotPassed({ failures: summary.failures })
  })
).pipe(
  Command.withDescription(
    "Five sites in a ring, each a node process with a user and a database: tallies are opened, invoices paid, and alice pays dave over " +
      "bob and carol by a lift. One relay is killed after its promise, and one line is cut when the lift is decided. Then what was asked " +
      "for goes once around and is cleared. Both ends of every tally must have the same, and holdfast audit must find nothing at all five."
  ),
  Command.withShortDescription("Five sites that give each other credit")
)
