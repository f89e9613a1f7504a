/**
 * How long a transaction may hold its connection.
 *
 * The embedded database has one connection. A transaction that waits for a query made outside of it (by a fiber
 * that does not carry the transaction) waits for itself; this limit ends it with a retryable error and a rollback
 * instead of leaving the node standing still.
 */
import { Context, type Duration } from "effect"

/** One minute by default. Migrations, which may rebuild large tables, set it to infinity. */
export const TransactionLimit = Context.Reference<Duration.Input>("holdfast/layers/TransactionLimit", {
  defaultValue: () => "1 minute"
})
