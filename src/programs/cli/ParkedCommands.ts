/**
 * `holdfast inbox parked|retry|drop`: messages that crashed their handler, and what an operator does about them.
 */
import { Clock, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { short } from "../../protocol/NodeKey.ts"
import type { ParkedView } from "../http/Models.ts"
import { ask } from "./Client.ts"
import * as Given from "./Given.ts"
import * as Paging from "./Paging.ts"
import { print } from "./Root.ts"
import { ago, printable, table } from "./Table.ts"

const id = Argument.String("id").pipe(
  Argument.withDescription("The id of the message, as holdfast inbox parked shows it"),
  Argument.withSchema(Given.parkedId)
)

interface Filters {
  readonly peer: Option.Option<string>
  readonly limit: number
}

interface Page {
  readonly items: ReadonlyArray<ParkedView>
  readonly next?: string
}

/** The first line of why; the rest is where it happened, which `--json` shows. */
const reason = (why: string): string => printable((why.split("\n")[0] ?? "").slice(0, 120))

const parkedTable =
  (filters: Filters, now: number) =>
  ({ items, next }: Page): string => {
    if (items.length === 0) return "No message is parked: every one was handled or answered."
    const rows = items.map(({ bytes, id, parkedAt, peer, protocol, why }) => [
      id,
      short(peer),
      protocol,
      `${bytes} B`,
      ago(parkedAt, now),
      reason(why)
    ])
    const shown = table(["MESSAGE", "PEER", "PROTOCOL", "SIZE", "PARKED", "WHY"], rows)
    return `${shown}${Paging.more("holdfast inbox parked", filters, next)}`
  }

export const ParkedCommand = Command.make(
  "parked",
  {
    peer: Paging.peer("Only messages of this peer"),
    limit: Paging.limit,
    after: Flag.String("after").pipe(
      Flag.withMetavar("<cursor>"),
      Flag.withDescription("Go on after this place, as it was printed at the end"),
      Flag.withSchema(Given.parkedCursor),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* (options) {
    const peer = yield* Paging.chosen(options.peer)
    const after = Option.isSome(options.after) ? { after: options.after.value } : {}
    const page = yield* ask((client) => client.parked({ query: { limit: options.limit, ...peer, ...after } }))
    yield* print(page, parkedTable(options, yield* Clock.currentTimeMillis))
  })
).pipe(
  Command.withDescription("Show the messages that crashed their handler and were put aside, and why"),
  Command.withExamples([{ command: "holdfast inbox parked" }, { command: "holdfast inbox parked --json" }])
)

const results = {
  handled: "It was handled: its effect is there now. Its sender was told before that it was refused.",
  duplicate: "It had been handled before, when its peer offered it anew. Nothing was done, and it is parked no more."
} as const

export const RetryParkedCommand = Command.make(
  "retry",
  { id, peer: Paging.peer("Of this peer, should several have sent a message of the id") },
  Effect.fnUntraced(function* (given) {
    const query = yield* Paging.chosen(given.peer)
    const retried = yield* ask((client) => client.retryParked({ params: { id: given.id }, query }))
    yield* print(retried, ({ result }) => results[result])
  })
).pipe(Command.withDescription("Run the handler of a parked message once more"))

export const DropParkedCommand = Command.make(
  "drop",
  { id, peer: Paging.peer("Of this peer, should several have sent a message of the id") },
  Effect.fnUntraced(function* (given) {
    const query = yield* Paging.chosen(given.peer)
    const dropped = yield* ask((client) => client.dropParked({ params: { id: given.id }, query }))
    yield* print(dropped, ({ id, peer }) => `Message ${id} of ${short(peer)} is forgotten. It will have no effect.`)
  })
).pipe(Command.withDescription("Forget a parked message"))
