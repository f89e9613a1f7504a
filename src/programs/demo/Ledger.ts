/**
 * What the demo counts by: a ledger of what was sent, kept beside the outbox in the sender's transactions, and a table
 * of what took effect, filled by a handler that inserts plainly. Neither has a key: nothing here hides a message that
 * took effect twice.
 */
import { Clock, Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { Delivery } from "../../services/delivery/Delivery.ts"
import * as Protocol from "../../services/delivery/Protocol.ts"

export const createTables = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE IF NOT EXISTS demo_ledger (
      sender text NOT NULL, receiver text NOT NULL, number integer NOT NULL, sent_at bigint NOT NULL
    )`
  yield* sql`
    CREATE TABLE IF NOT EXISTS demo_received (
      sender text NOT NULL, number integer NOT NULL, received_at bigint NOT NULL
    )`
})

/** The protocol of the demo: a numbered message. */
export const Demo = Protocol.make("demo", {
  messages: Schema.Struct({ number: Schema.Int, text: Schema.String }),
  handle: Effect.fnUntraced(function* ({ number }, { peer }) {
    const sql = yield* SqlClient.SqlClient
    const now = yield* Clock.currentTimeMillis
    yield* sql`INSERT INTO demo_received (sender, number, received_at) VALUES (${peer}, ${number}, ${now})`
  })
})

/** Writes one line of the ledger and sends its message: both or neither. */
export const send = Effect.fnUntraced(function* (sender: NodeKey, receiver: NodeKey, number: number) {
  const sql = yield* SqlClient.SqlClient
  const delivery = yield* Delivery
  yield* sql.withTransaction(
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      yield* sql`
        INSERT INTO demo_ledger (sender, receiver, number, sent_at) VALUES (${sender}, ${receiver}, ${number}, ${now})`
      yield* delivery.send(receiver, Demo, { number, text: `message ${number}` })
    })
  )
})

/** Numbers of 1 to `messages` that the ledger does not have for this receiver: what a crash left unsent. */
export const unsent = Effect.fnUntraced(function* (receiver: NodeKey, messages: number) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ readonly number: number }>`SELECT number FROM demo_ledger WHERE receiver = ${receiver}`
  const sent = new Set(rows.map(({ number }) => number))
  return Array.from({ length: messages }, (_, index) => index + 1).filter((number) => !sent.has(number))
})

/** How many messages to each receiver are in the ledger, and how many have taken effect here. */
export const counts = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const sent = yield* sql<{ readonly receiver: string; readonly count: number }>`
    SELECT receiver, count(*)::integer AS count FROM demo_ledger GROUP BY receiver`
  const received = yield* sql<{ readonly count: number }>`SELECT count(*)::integer AS count FROM demo_received`
  return {
    sent: new Map(sent.map(({ count, receiver }) => [receiver, count])),
    delivered: received[0]?.count ?? 0
  }
})
