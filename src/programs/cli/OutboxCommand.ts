/**
 * `holdfast outbox`: what is still owed, why, and when something happens next; and what an operator can do about it.
 */
import { Clock, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { MessageId } from "../../protocol/delivery/Message.ts"
import { short } from "../../protocol/NodeKey.ts"
import type { OwedView } from "../http/Models.ts"
import { ask } from "./Client.ts"
import * as Given from "./Given.ts"
import * as Paging from "./Paging.ts"
import { print } from "./Root.ts"
import { ago, ahead, printable, table } from "./Table.ts"

const filters = {
  peer: Paging.peer("Only what is owed to this peer"),
  limit: Paging.limit,
  after: Flag.String("after").pipe(
    Flag.withMetavar("<id>"),
    Flag.withDescription("Go on after this message"),
    Flag.withSchema(Given.messageId),
    Flag.optional
  )
}

interface Filters {
  readonly peer: Option.Option<string>
  readonly limit: number
  readonly after: Option.Option<MessageId>
}

interface Page {
  readonly items: ReadonlyArray<OwedView>
  readonly next?: string
}

const owedTable =
  (filters: Filters, now: number) =>
  ({ items, next }: Page): string => {
    if (items.length === 0) return "Nothing is owed: everything that was sent has arrived."
    const rows = items.map((owed) => [
      owed.id,
      short(owed.peer),
      owed.protocol,
      `${owed.bytes} B`,
      ago(owed.since, now),
      String(owed.attempts),
      ahead(owed.nextAt, now),
      printable(owed.why)
    ])
    const shown = table(["MESSAGE", "PEER", "PROTOCOL", "SIZE", "SENT", "TRIES", "NEXT", "WHY"], rows)
    return `${shown}${Paging.more("holdfast outbox", filters, next)}`
  }

const list = Effect.fnUntraced(function* (filters: Filters) {
  const peer = yield* Paging.chosen(filters.peer)
  const after = Option.isSome(filters.after) ? { after: filters.after.value } : {}
  const found = yield* ask((client) => client.outbox({ query: { limit: filters.limit, ...peer, ...after } }))
  yield* print(found, owedTable(filters, yield* Clock.currentTimeMillis))
})

const id = Argument.String("id").pipe(
  Argument.withDescription("The id of the message, as the list shows it"),
  Argument.withSchema(Given.messageId)
)

const ListCommand = Command.make("list", filters, list).pipe(
  Command.withDescription("Show what is still owed, oldest first")
)

const RetryCommand = Command.make(
  "retry",
  { id },
  Effect.fnUntraced(function* ({ id }) {
    const done = yield* ask((client) => client.retry({ params: { id } }))
    yield* print(done, () => `Message ${id} is offered as soon as its peer is connected.`)
  })
).pipe(Command.withDescription("Offer a message now that waits for its time"))

const consequences = {
  cancelled: "It was taken back: the peer will not see it.",
  unknown: "It was taken back, but it had been sent before: it may have taken effect."
} as const

const DropCommand = Command.make(
  "drop",
  { id },
  Effect.fnUntraced(function* ({ id }) {
    const dropped = yield* ask((client) => client.drop({ params: { id } }))
    yield* print(dropped, ({ result }) => consequences[result])
  })
).pipe(Command.withDescription("Take a message back"))

export const OutboxCommand = Command.make("outbox", filters, list).pipe(
  Command.withDescription("Show what is still owed to peers: why, since when, how often tried, and when next"),
  Command.withExamples([
    { command: "holdfast outbox" },
    { command: "holdfast outbox --peer 3f2a91c0" },
    { command: "holdfast outbox retry <id>", description: "Do not wait for its time" },
    { command: "holdfast outbox drop <id>", description: "Take it back" }
  ]),
  Command.withSubcommands([ListCommand, RetryCommand, DropCommand])
)
