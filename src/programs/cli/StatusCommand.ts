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

/** Things that need attention, and how many of them are counted. */
interface Waiting {
  /** `most` stands for as many or more. */
  readonly count: number
  readonly operator: number
  /** Milliseconds since 1970, of the oldest. */
  readonly since?: number
}
const most = 100

type Shown = Health & { readonly waiting?: Waiting; readonly chain?: ChainStatus }

const waitingText = ({ count, operator, since = 0 }: Waiting, now: number): string => {
  if (count === 0) return "nothing"
  const all = `${count === most ? `${most} or more` : count} ${count === 1 ? "thing" : "things"}`
  return `${all}, ${operator} for the operator, the oldest for ${lasting(now - since)}: see holdfast attention`
}

const describe =
  (now: number) =>
  ({ chain, waiting, ...health }: Shown): string =>
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
      ...(waiting === undefined ? [] : [["Waiting", waitingText(waiting, now)] as const]),
      ...(chain === undefined ? [] : [["Chain", brief(chain)] as const])
    ])

/** What needs attention, of users as well; nothing is asked of a database that does not answer. */
const waitingOf = Effect.fnUntraced(function* ({ status }: Health) {
  if (status !== "ok") return {}
  const { items } = yield* ask((client) => client.attention({ query: { limit: most } }))
  const operator = items.filter(({ audience }) => audience === "").length
  const [oldest] = items
  const waiting: Waiting = { count: items.length, operator, ...(oldest && { since: oldest.since }) }
  return { waiting }
})

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
    const shown: Shown = { ...health, ...(yield* waitingOf(health)), ...(chain === undefined ? {} : { chain }) }
    yield* print(shown, describe(yield* Clock.currentTimeMillis))
  })
).pipe(
  Command.withDescription(
    "Show how the node is: its database, its sessions, what it owes, what waits, the height of its chain"
  ),
  Command.withExamples([{ command: "holdfast status" }])
)
