/**
 * `holdfast send` and `holdfast inbox`: notes to peers, and those that have arrived.
 */
import { Clock, Console, Effect, Option, Schema, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { short } from "../../protocol/NodeKey.ts"
import { untilSignal } from "../Main.ts"
import type { EventView } from "../http/Models.ts"
import { type InboxNote, NoteReceived, NoteText } from "../NoteProtocol.ts"
import { duration } from "../SettingValue.ts"
import { ask, peerOf } from "./Client.ts"
import { again, following } from "./Following.ts"
import * as Given from "./Given.ts"
import { DropParkedCommand, ParkedCommand, RetryParkedCommand } from "./ParkedCommands.ts"
import { json, print, Root } from "./Root.ts"
import { bold, dim } from "./Style.ts"
import { moment, printable, table } from "./Table.ts"

const day = 86_400_000

export const SendCommand = Command.make(
  "send",
  {
    peer: Given.peer,
    text: Argument.String("text").pipe(Argument.withDescription("What to tell it"), Argument.withSchema(NoteText)),
    within: Flag.String("within").pipe(
      Flag.withMetavar("<time>"),
      Flag.withDescription("Take it back if it has not arrived within this time, such as 10m; never by default"),
      Flag.withSchema(duration(1_000, 365 * day)),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* ({ peer, text, within }) {
    const key = yield* peerOf(peer)
    const deadline = Option.isSome(within) ? { withinMillis: Math.round(within.value) } : {}
    const accepted = yield* ask((client) => client.send({ payload: { peer: key, text, ...deadline } }))
    yield* print(
      accepted,
      ({ id }) => `Sent ${id}. It will reach ${short(key)} once; what is still owed: holdfast outbox`
    )
  })
).pipe(
  Command.withDescription("Send a note to a peer: once this returns, it is on the disk and will arrive, once"),
  Command.withExamples([{ command: 'holdfast send 3f2a91c0 "are you there?"' }])
)

const noteTable = (now: number) => (notes: ReadonlyArray<InboxNote>) =>
  notes.length === 0
    ? "No notes have arrived."
    : table(
        ["#", "WHEN", "FROM", "TEXT"],
        notes.map(({ peer, position, receivedAt, text }) => [
          String(position),
          moment(receivedAt, now),
          short(peer),
          printable(text)
        ])
      )

const noteLine = ({ peer, receivedAt, text }: InboxNote, now: number): string =>
  `${dim(moment(receivedAt, now))}  ${bold(short(peer))}  ${printable(text)}`

const arrivedIn = Schema.decodeUnknownEffect(NoteReceived)

/**
 * The notes that are there, then each one as it arrives. The events begin with where they begin: what came before is looked
 * at then, and what came in between is shown once. Events come in the order of their commits, positions may not.
 */
const follow = Effect.fnUntraced(function* (limit: number) {
  const root = yield* Root
  const seen = new Set<string>()
  const show = (note: InboxNote) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => Console.log(root.json ? json(note) : noteLine(note, now)))
  const look = Effect.gen(function* () {
    const { items } = yield* Effect.retry(
      ask((client) => client.inbox({ query: { limit } })),
      again
    )
    for (const note of items.filter(({ id }) => !seen.has(id))) {
      seen.add(note.id)
      yield* show(note)
    }
  })
  const happened = Effect.fnUntraced(function* (item: EventView) {
    if (item._tag !== "Event") return yield* look
    if (item.kind !== "note.received") return
    const note = yield* arrivedIn(item.body)
    if (!seen.has(note.id)) yield* show(note)
  })
  yield* Stream.runForEach(following("now", Effect.void), happened)
})

export const InboxCommand = Command.make(
  "inbox",
  {
    follow: Flag.Boolean("follow").pipe(
      Flag.withAlias("f"),
      Flag.withoutNegation,
      Flag.withDescription("Show new notes as they arrive"),
      Flag.withDefault(false)
    ),
    limit: Given.limit("How many of the last notes to show", 50)
  },
  Effect.fnUntraced(function* (options) {
    if (options.follow) return yield* untilSignal(follow(options.limit))
    const { items } = yield* ask((client) => client.inbox({ query: { limit: options.limit } }))
    yield* print(items, noteTable(yield* Clock.currentTimeMillis))
  })
).pipe(
  Command.withDescription("Show the notes that have arrived, the oldest first"),
  Command.withExamples([
    { command: "holdfast inbox --follow" },
    { command: "holdfast inbox --limit 5 --json" },
    { command: "holdfast inbox parked", description: "Messages that crashed their handler" },
    { command: "holdfast inbox retry <id>", description: "Run the handler of one once more" },
    { command: "holdfast inbox drop <id>", description: "Forget one" }
  ]),
  Command.withSubcommands([ParkedCommand, RetryParkedCommand, DropParkedCommand])
)
