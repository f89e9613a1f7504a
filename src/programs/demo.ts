/**
 * `npm run demo`: three nodes, three databases, faults in the middle of the traffic, and the count of what took effect.
 *
 * Exits with 0 only if every message that a sender has committed took effect exactly once at its receiver, and the
 * faults really came while messages were owed. `npm run demo -- credit` shows credit instead.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Duration, Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { CreditCommand } from "./demo/credit/CreditCommand.ts"
import * as Flags from "./demo/DemoFlags.ts"
import { DemoNotPassed } from "./demo/DemoNotPassed.ts"
import * as Run from "./demo/Run.ts"
import { text } from "./demo/Summary.ts"

const flags = {
  messages: Flag.Int("messages").pipe(
    Flag.withDescription("Messages from each node to each other one, 200 to 100,000"),
    Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 200, maximum: 100_000 }))),
    Flag.withDefault(1_000)
  ),
  deadline: Flags.deadline("Seconds within which everything must be delivered", 180),
  databaseUrl: Flags.databaseUrl("three"),
  json: Flags.json
}

const demo = Command.make(
  "demo",
  flags,
  Effect.fnUntraced(function* ({ databaseUrl, deadline, json, messages }) {
    const result = yield* Run.run({
      messages,
      deadline: Duration.seconds(deadline),
      database: Option.getOrUndefined(databaseUrl),
      screen: json ? process.stderr : process.stdout
    }).pipe(Effect.tapError(({ message }) => Effect.sync(() => process.stderr.write(`${message}\n`))))
    const lines = json ? [JSON.stringify(result, null, 2)] : ["", ...text(result)]
    yield* Effect.sync(() => process.stdout.write(`${lines.join("\n")}\n`))
    if (!result.ok) return yield* new DemoNotPassed({ failures: result.failures })
  })
).pipe(
  Command.withDescription(
    "Three node processes with a database each send each other messages in transactions. One process is killed and " +
      "restarted, one line is cut for 10 s and healed, one process is frozen and continued. Then the databases are " +
      "compared: each message must have taken effect exactly once."
  ),
  Command.withSubcommands([CreditCommand])
)

NodeRuntime.runMain(Command.run(demo, { version: "0.1.0" }).pipe(Effect.provide(NodeServices.layer)))
