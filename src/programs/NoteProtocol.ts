/**
 * The protocol behind `holdfast send` and `holdfast inbox`: a text that one operator sends another.
 *
 * A note is stored by a plain insert, without a unique key: that it is stored once is the delivery's promise, kept
 * by the receive transaction. Both sides learn of it as an event.
 */
import { Clock, Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { MessageId } from "../protocol/delivery/Message.ts"
import { NodeKey } from "../protocol/NodeKey.ts"
import { Feed } from "../services/delivery/Feed.ts"
import * as Protocol from "../services/delivery/Protocol.ts"

/** Longest note, in characters. */
export const maxNote = 65_536

/** The text of a note. Databases do not store the character 0. */
export const NoteText = Schema.String.check(
  Schema.isMinLength(1, { message: `give a text of 1 to ${maxNote} characters` }),
  Schema.isMaxLength(maxNote, { message: `give a text of 1 to ${maxNote} characters` }),
  Schema.makeFilter((text) => !text.includes("\0"), { message: "a note does not contain the character 0" })
)

export const InboxNote = Schema.Struct({
  /** Its place in the inbox, for paging. */
  position: Schema.BigInt,
  peer: NodeKey,
  id: MessageId,
  text: Schema.String,
  /** Milliseconds since 1970. */
  receivedAt: Schema.Number
})
export type InboxNote = typeof InboxNote.Type

/** A note as the event of its arrival carries it. */
export const NoteReceived = Schema.toCodecJson(InboxNote)
const received = Schema.encodeSync(NoteReceived)

const Placed = Schema.Tuple([Schema.Struct({ position: Schema.BigIntFromString })])
const decodePlaced = Schema.decodeUnknownEffect(Placed)

export const Note = Protocol.make("note", {
  messages: Schema.Struct({ text: NoteText }),
  handle: Effect.fnUntraced(function* ({ text }, { id, peer }) {
    const sql = yield* SqlClient.SqlClient
    const feed = yield* Feed
    const now = yield* Clock.currentTimeMillis
    const rows =
      yield* sql`INSERT INTO inbox (peer, message_id, text, received_at) VALUES (${peer}, ${id}, ${text}, ${now})
      RETURNING id::text AS position`
    const [{ position }] = yield* Effect.orDie(decodePlaced(rows))
    const body = received({ position, peer, id, text, receivedAt: now })
    yield* feed.append([{ audience: "", protocol: "note", subject: peer, kind: "note.received", body }])
  }),
  onOutcome: Effect.fnUntraced(function* (_, outcome, { id, peer }) {
    if (outcome._tag !== "Ok") return
    const feed = yield* Feed
    yield* feed.append([{ audience: "", protocol: "note", subject: peer, kind: "note.delivered", body: { peer, id } }])
  })
})

const Row = Schema.Struct({
  ...InboxNote.fields,
  position: Schema.BigIntFromString,
  receivedAt: Schema.NumberFromString
})
const decodeRows = Schema.decodeUnknownEffect(Schema.Array(Row))

/** Notes after a position, oldest first, or the last ones if no position is given; at most `limit`. */
export const inbox = Effect.fn("NoteProtocol.inbox")(function* (query: {
  readonly after?: bigint | undefined
  readonly peer?: NodeKey | undefined
  readonly limit: number
}) {
  const sql = yield* SqlClient.SqlClient
  const from = query.peer === undefined ? sql`true` : sql`peer = ${query.peer}`
  const columns = sql.literal(`id::text AS position, peer, message_id AS id, text, received_at::text AS "receivedAt"`)
  const rows =
    query.after === undefined
      ? sql`SELECT ${columns} FROM inbox WHERE ${from} ORDER BY inbox.id DESC LIMIT ${query.limit}`
      : sql`SELECT ${columns} FROM inbox WHERE ${from} AND inbox.id > ${query.after.toString()}::bigint
          ORDER BY inbox.id LIMIT ${query.limit}`
  const found = yield* Effect.flatMap(rows, (rows) => Effect.orDie(decodeRows(rows)))
  return query.after === undefined ? found.toReversed() : found
})
