/**
 * The protocol that holdfast's nodes speak in the durable benchmark: the handler inserts a row, and the commit of it is
 * counted.
 */
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import * as Protocol from "../../src/services/delivery/Protocol.ts"
import { Transactions } from "../../src/services/Transactions.ts"
import { Arrivals } from "./Arrivals.ts"
import * as Work from "./Work.ts"

/** What this process has received. */
export const arrivals = new Arrivals()

export const Bench = Protocol.make("bench", {
  messages: Schema.Struct({ n: Schema.Int, sentAt: Schema.Number, text: Schema.String }),
  handle: Effect.fnUntraced(function* ({ n, sentAt, text }) {
    const sql = yield* SqlClient.SqlClient
    yield* sql`INSERT INTO bench_effects (n, body) VALUES (${n}, ${text})`
    // The messages of a link are committed in order, so the last commit is known by its message alone. A count that a
    // repeated transaction had put wrong would show in the tally.
    if (sentAt <= 0 && !arrivals.isLast) return arrivals.committed(sentAt)
    const transactions = yield* Transactions
    yield* transactions.afterCommit(Effect.sync(() => arrivals.committed(sentAt)))
  })
})

/** What fills a message up to the size of all messages here. */
export const text = Work.padding(
  Work.bodyBytes - Bench.prepare({ n: 1_000_000, sentAt: 0.5, text: "" }).body.length - 1
)
/** The message of a number. A time of sending that is not positive asks for no note of the delay. */
export const message = (n: number, sentAt: number) => ({ n: 1_000_000 + n, sentAt, text })
