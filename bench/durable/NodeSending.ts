/**
 * How a node of the durable benchmark sends: every way of committing, and as many as wanted behind the receipts.
 */
import { Effect, Semaphore } from "effect"
import { SqlClient } from "effect/sql"
import type { NodeKey } from "../../src/protocol/NodeKey.ts"
import { Delivery } from "../../src/services/delivery/Delivery.ts"
import { Transactions } from "../../src/services/Transactions.ts"
import { Bench, message } from "./BenchProtocol.ts"
import type * as Work from "./Work.ts"

export const range = (count: number, from: number): ReadonlyArray<number> =>
  Array.from({ length: count }, (_, i) => from + i)

/** Returns once all of it is committed. */
export const sending = Effect.fnUntraced(function* (to: NodeKey, { count, from, how }: Work.Job) {
  const delivery = yield* Delivery
  const transactions = yield* Transactions
  const all = range(count, from)
  const send = (n: number) => delivery.send(to, Bench, message(n, -0.5))
  switch (how._tag) {
    case "Single":
      return yield* Effect.forEach(all, (n) => transactions.within(send(n)), {
        concurrency: how.inFlight,
        discard: true
      })
    case "Grouped":
      return yield* Effect.forEach(all, (n) => delivery.sendNow(to, Bench, message(n, -0.5)), {
        concurrency: how.senders,
        discard: true
      })
    case "Batch": {
      const batches = range(count / how.size, 0).map((i) => range(how.size, from + i * how.size))
      return yield* Effect.forEach(
        batches,
        (batch) =>
          transactions.within(
            delivery.sendAll(
              to,
              Bench,
              batch.map((n) => message(n, -0.5))
            )
          ),
        {
          concurrency: how.inFlight,
          discard: true
        }
      )
    }
  }
})

export interface Stream {
  readonly from: number
  readonly count: number
  /** Messages of a transaction, and transactions in flight. */
  readonly transaction: number
  readonly inFlight: number
  /** Messages that are not receipted, at the most. */
  readonly ahead: number
}

/** Many messages, as fast as their receipts come. */
export const streaming = Effect.fnUntraced(function* (
  to: NodeKey,
  { ahead, count, from, inFlight, transaction }: Stream
) {
  const sql = yield* SqlClient.SqlClient
  let room = 0
  // One asks the database, the others wait with it.
  const looking = Semaphore.makeUnsafe(1)
  const take = Effect.gen(function* () {
    while (room < transaction) {
      const [row] = yield* sql<{ readonly owed: number }>`SELECT count(*)::integer AS owed FROM holdfast_outbox`
      // Those in flight may be committed or not.
      room = ahead - (row?.owed ?? 0) - inFlight * transaction
      if (room < transaction) yield* Effect.sleep("5 millis")
    }
    room -= transaction
  })
  for (let sent = 0; sent < count;) {
    const size = Math.min(count - sent, transaction * inFlight * 4)
    yield* Effect.forEach(
      range(Math.ceil(size / transaction), 0),
      (i) =>
        Effect.andThen(
          looking.withPermits(1)(take),
          sending(to, {
            from: from + sent + i * transaction,
            count: Math.min(transaction, size - i * transaction),
            how: { _tag: "Batch", size: Math.min(transaction, size - i * transaction), inFlight: 1 }
          })
        ),
      { concurrency: inFlight, discard: true }
    )
    sent += size
  }
})
