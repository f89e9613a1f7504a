/**
 * `holdfast status`: how the node is.
 */
import { Clock, Effect } from "effect"
import { Command } from "effect/cli"
import { brief } from "../chain/ChainText.ts"
import type { ChainStatus } from "../http/ChainModels.ts"
import type { Health } from "../http/Models.ts"
import { ask } from "./Client.ts"
import { print } from "./Root.ts"
import { green, red } from "./Style.ts"
import { ago, lasting, list } from "./Table.ts"

const describe =
  (now: number) =>
  ({ chain, ...health }: Health & { readonly chain?: ChainStatus }): string =>
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
        : []),
      ...(chain === undefined ? [] : [["Chain", brief(chain)] as const])
    ])

export const StatusCommand = Command.make(
  "status",
  {},
  Effect.fnUntraced(function* () {
    const health = yield* ask((client) => client.health())
    const chain = yield* Effect.catchTag(
      ask((client) => client.chain.status()),
      "NotFound",
      () => Effect.succeed(undefined)
    )
    yield* print(chain === undefined ? health : { ...health, chain }, describe(yield* Clock.currentTimeMillis))
  })
).pipe(
  Command.withDescription("Show how the node is: its database, its sessions, what it owes, the height of its chain"),
  Command.withExamples([{ command: "holdfast status" }])
)
