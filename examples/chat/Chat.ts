/**
 * A protocol of one's own: chat rooms shared by two nodes, each keeping its own copy in its own database.
 *
 * Whoever says something writes the line and sends it in one transaction, so that it is in both databases or in none,
 * exactly once, whatever happens to the network or to either process in between. The reader's "seen" comes back the
 * same way.
 */
import { Effect, Schema } from "effect"
import { SqlClient, SqlSchema } from "effect/sql"
import { Delivery } from "holdfast/services/delivery/Delivery"
import { Feed } from "holdfast/services/delivery/Feed"
import * as Protocol from "holdfast/services/delivery/Protocol"
import { NodeKey } from "holdfast/protocol/NodeKey"

const Room = Schema.String.check(
  Schema.isPattern(/^[a-z0-9-]{1,32}$/, { message: "a room is 1 to 32 of a-z, 0-9 and -" })
)

/** Somebody said something; `line` counts from 1 in each room and direction. */
const Said = Schema.TaggedStruct("Said", {
  room: Room,
  line: Schema.Int,
  text: Schema.String.check(Schema.isMaxLength(2_000))
})
/** Everything up to `line` has been seen. */
const Seen = Schema.TaggedStruct("Seen", { room: Room, line: Schema.Int })

const Message = Schema.Union([Said, Seen])

/** The table; a migration of yours in a real program. */
export const createTable = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql`
    create table if not exists chat_lines (
      peer text not null, room text not null, mine boolean not null, line integer not null, text text not null,
      seen boolean not null default false
    )`
)

/** What both nodes run: messages of one room take effect in order, rooms do not wait for each other. */
export const Chat = Protocol.make("chat", {
  messages: Message,
  subject: (message) => message.room,
  handle: (message, from) =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const feed = yield* Feed
      const { line, room } = message
      if (message._tag === "Said") {
        const { text } = message
        if (text.trim() === "") return yield* Protocol.Rejected.refused("empty", "say something")
        yield* sql`insert into chat_lines ${sql.insert({ peer: from.peer, room, mine: false, line, text })}`
      } else {
        yield* sql`
          update chat_lines set seen = true
          where peer = ${from.peer} and room = ${room} and mine and line <= ${line}`
      }
      // Whoever follows the feed, from wherever they left off, hears of it if and only if this transaction commits.
      yield* feed.append([{ audience: "", protocol: "chat", subject: room, kind: message._tag, body: { line } }])
    })
})

const lastLine = (peer: NodeKey, room: string, mine: boolean) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    SqlSchema.findOne({
      Request: Schema.Void,
      Result: Schema.Struct({ line: Schema.Int }),
      execute: () => sql`
        select coalesce(max(line), 0)::int as line from chat_lines
        where peer = ${peer} and room = ${room} and mine = ${mine}`
    })(undefined)
  )

/** Says something in a room: the line here and the message to the peer are one transaction. */
export const say = Effect.fn("Chat.say")(function* (peer: NodeKey, room: string, text: string) {
  const sql = yield* SqlClient.SqlClient
  const delivery = yield* Delivery
  return yield* sql.withTransaction(
    Effect.gen(function* () {
      const line = (yield* lastLine(peer, room, true)).line + 1
      yield* sql`insert into chat_lines ${sql.insert({ peer, room, mine: true, line, text })}`
      return yield* delivery.send(peer, Chat, { _tag: "Said", room, line, text })
    })
  )
})

/** Tells the peer that everything in the room has been read. */
export const see = Effect.fn("Chat.see")(function* (peer: NodeKey, room: string) {
  const delivery = yield* Delivery
  const { line } = yield* lastLine(peer, room, false)
  return yield* delivery.sendNow(peer, Chat, { _tag: "Seen", room, line })
})

const Line = Schema.Struct({ mine: Schema.Boolean, text: Schema.String, seen: Schema.Boolean })

/** The lines of a room, both sides', each side's in order. */
export const lines = Effect.fn("Chat.lines")(function* (peer: NodeKey, room: string) {
  const sql = yield* SqlClient.SqlClient
  return yield* SqlSchema.findAll({
    Request: Schema.Void,
    Result: Line,
    execute: () => sql`
      select mine, text, seen from chat_lines where peer = ${peer} and room = ${room} order by mine, line`
  })(undefined)
})
