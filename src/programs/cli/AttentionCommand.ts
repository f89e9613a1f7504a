/**
 * `holdfast attention`: what waits for users and for the operator, and what an operator can do about a message that has
 * ended without its protocol.
 */
import { Clock, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { short } from "../../protocol/NodeKey.ts"
import type { AttentionItem } from "../../services/delivery/Attention.ts"
import { ask } from "./Client.ts"
import * as Given from "./Given.ts"
import { print } from "./Root.ts"
import { ago, printable, table } from "./Table.ts"

/** What an item is about, as short as people tell it apart. */
const about = ({ id, peer, subject }: AttentionItem): string =>
  id ?? (peer === undefined ? printable(subject) : short(peer))

const attentionTable =
  (now: number) =>
  ({ items }: { readonly items: ReadonlyArray<AttentionItem> }): string =>
    items.length === 0
      ? "Nothing needs attention."
      : table(
          ["SINCE", "FOR", "PROTOCOL", "WHAT", "ABOUT", "WHY"],
          items.map((item) => [
            ago(item.since, now),
            item.audience === "" ? "operator" : printable(item.audience),
            printable(item.protocol),
            printable(item.kind),
            about(item),
            printable(item.detail)
          ])
        )

const filters = {
  audience: Flag.String("for").pipe(
    Flag.withMetavar("<audience>"),
    Flag.withDescription("Only what waits for this user, as the protocols name users; what waits for all by default"),
    Flag.optional
  ),
  limit: Given.limit("How many to show", 100)
}

const list = Effect.fnUntraced(function* (options: {
  readonly audience: Option.Option<string>
  readonly limit: number
}) {
  const audience = Option.isSome(options.audience) ? { audience: options.audience.value } : {}
  const found = yield* ask((client) => client.attention({ query: { limit: options.limit, ...audience } }))
  yield* print(found, attentionTable(yield* Clock.currentTimeMillis))
})

const ListCommand = Command.make("list", filters, list).pipe(
  Command.withDescription("Show what needs attention; what has waited longest comes first")
)

const DropCommand = Command.make(
  "drop",
  {
    id: Argument.String("id").pipe(
      Argument.withDescription("The id of the message, as the list shows it"),
      Argument.withSchema(Given.untoldId)
    )
  },
  Effect.fnUntraced(function* ({ id }) {
    const dropped = yield* ask((client) => client.dropUntold({ params: { id } }))
    yield* print(dropped, () => "Its protocol will not be told how it has ended.")
  })
).pipe(Command.withDescription("Forget a message that has ended and whose protocol could not take that in"))

export const AttentionCommand = Command.make("attention", filters, list).pipe(
  Command.withDescription("Show what needs attention of users and of the operator, from the state of this moment"),
  Command.withExamples([
    { command: "holdfast attention" },
    { command: "holdfast attention --for anna --json" },
    { command: "holdfast attention drop <id>", description: "Of what is untold: forget it" }
  ]),
  Command.withSubcommands([ListCommand, DropCommand])
)
