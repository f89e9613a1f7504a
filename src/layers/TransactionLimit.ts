/**
 * How long a transaction may hold its connection.
 *
 * The embedded database has one connection. A transaction that waits for a query made outside of it (by a fiber
 * that does not carry the transaction) waits for itself; this limit ends it with a retryable error and a rollback
 * instead of leaving the node standing still.
 */
import { Context, Duration, Effect } from "effect"
import { SqlError, StatementTimeoutError } from "effect/sql/SqlError"

/** One minute by default. Migrations, which may rebuild large tables, set it to infinity. */
export const TransactionLimit = Context.Reference<Duration.Input>("holdfast/layers/TransactionLimit", {
  defaultValue: () => "1 minute"
})

const overdue = (limit: Duration.Duration): SqlError =>
  new SqlError({
    reason: new StatementTimeoutError({
      cause: new Error("transaction limit reached"),
      message:
        `The transaction was open for ${Duration.format(limit)} and was rolled back. If it waits for a query that ` +
        `another fiber makes outside of it, that query waits for its connection.`,
      operation: "transaction"
    })
  })

/** What an outermost transaction runs instead of `self`, to end by the limit. */
export const limited = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R> =>
  Effect.flatMap(TransactionLimit, (input) => {
    const duration = Duration.fromInputUnsafe(input)
    if (!Duration.isFinite(duration)) return self
    return Effect.timeoutOrElse(self, { duration, orElse: () => Effect.fail(overdue(duration)) })
  })
