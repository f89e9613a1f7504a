/**
 * `holdfast status`: how the node is.
 */
import { Clock, Effect } from "effect"
import { Command } from "effect/cli"
import type { Health } from "../http/Models.ts"
import { ask } from "./Client.ts"
import { print } from "./Root.ts"
import { green, red } from "./Style.ts"
import { ago, lasting, list } from "./Table.ts"

const describe =
  (now: number) =>
  (health: Health): string =>
    list([
      ["Status", health.status === "ok" ? green("ok") : red(`degraded: ${health.problem}`)],
      ["Node", health.node],
      ["Address", health.address ?? "none: this node does not listen"],
      ["Network", health.network],
      [
        "Software",
        `${health.agent}, running ${lasting(now - health.startedAt)}, start ${health.incarnation} on its database`
      ],
      ["Database", health.database === "embedded" ? "embedded" : "PostgreSQL"],
      ["Sessions", String(health.sessions)],
      ...(health.status === "ok"
        ? [
            [
              "Owed",
              health.owed === 0 ? "nothing" : `${health.owed} messages, the oldest sent ${ago(health.owedSince, now)}`
            ] as const
          ]
        : [])
    ])

export const StatusCommand = Command.make(
  "status",
  {},
  Effect.fnUntraced(function* () {
    const health = yield* ask((client) => client.health())
    yield* print(health, describe(yield* Clock.currentTimeMillis))
  })
).pipe(
  Command.withDescription("Show how the node is: its database, its sessions, what it owes"),
  Command.withExamples([{ command: "holdfast status" }])
)
