/**
 * The protocol that holdfast's nodes speak in the durable benchmark: the handlers insert a row for each message, with one
 * statement for those that came together, and count them once they are committed.
 */
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import * as Protocol from "../../src/services/delivery/Protocol.ts"
import { Transactions } from "../../src/services/Transactions.ts"
import { Arrivals } from "./Arrivals.ts"
import * as Work from "./Work.ts"

/** What this process has received. */
export const arrivals = new Arrivals()

const Message = Schema.Struct({ n: Schema.Int, sentAt: Schema.Number, text: Schema.String })
type Message = typeof Message.Type

/** Makes the effects of messages in the transaction that records their receipt. */
const effects = Effect.fnUntraced(function* (messages: ReadonlyArray<Message>) {
  const sql = yield* SqlClient.SqlClient
  const transactions = yield* Transactions
  yield* sql.unsafe(Work.insertEffects, [messages.map(({ n }) => n), messages.map((message) => message.text)])
  yield* transactions.afterCommit(
    Effect.sync(() => {
      for (const { sentAt } of messages) arrivals.committed(sentAt)
    })
  )
})

export const Bench = Protocol.make("bench", {
  messages: Message,
  handle: (message) => effects([message]),
  handleAll: (received) => effects(received.map(({ message }) => message))
})

/** What fills a message up to the size of all messages here. */
export const text = Work.padding(
  Work.bodyBytes - Bench.prepare({ n: 1_000_000, sentAt: 0.5, text: "" }).body.length - 1
)
/** The message of a number. A time of sending that is not positive asks for no note of the delay. */
export const message = (n: number, sentAt: number) => ({ n: 1_000_000 + n, sentAt, text })
