/**
 * `holdfast send` and `holdfast inbox`: notes to peers, and those that have arrived.
 */
import { Clock, Console, Effect, Option, Ref, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { short } from "../../protocol/NodeKey.ts"
import { untilSignal } from "../Main.ts"
import { type InboxNote, NoteText } from "../NoteProtocol.ts"
import { duration } from "../SettingValue.ts"
import { ask, peerOf } from "./Client.ts"
import { following } from "./Following.ts"
import * as Given from "./Given.ts"
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

/** The notes that are there, then each one as it arrives. */
const follow = Effect.fnUntraced(function* (limit: number) {
  const root = yield* Root
  const place = yield* Ref.make(0n)
  const show = (notes: ReadonlyArray<InboxNote>) =>
    Effect.forEach(
      notes,
      (note) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          Effect.andThen(Console.log(root.json ? json(note) : noteLine(note, now)), Ref.set(place, note.position))
        ),
      { discard: true }
    )
  const news = Effect.gen(function* () {
    while (true) {
      const { items } = yield* page(yield* Ref.get(place))
      yield* show(items)
      if (items.length < pageSize) return
    }
  })
  const { items } = yield* ask((client) => client.inbox({ query: { limit } }))
  yield* show(items)
  // The events begin with where they begin, when it is looked at once more: nothing falls between.
  yield* following("now", Effect.void).pipe(
    Stream.filter((item) => item._tag !== "Event" || item.kind === "note.received"),
    Stream.runForEach(() => Effect.ignore(news, { log: "Debug" }))
  )
})

const pageSize = 1_000
const page = (after: bigint) => ask((client) => client.inbox({ query: { after, limit: pageSize } }))

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
  Command.withExamples([{ command: "holdfast inbox --follow" }, { command: "holdfast inbox --limit 5 --json" }])
)
