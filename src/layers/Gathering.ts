/**
 * What a transaction gathers while it runs and writes right before its commit, in one statement: a transaction that
 * sends a thousand messages pays one round trip for them.
 *
 * A connection offers it by implementing `Gathering`; on another one, writers write at once.
 */
import type { Effect } from "effect"
import type { SqlConnection } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"

/** Rows of one kind that wait for the commit, in the order of adding. */
export interface Gathered {
  /** What it returns puts it back to where it is now: a savepoint was rolled back. */
  readonly mark: () => () => void
  /**
   * Writes what waits, if anything does. One statement, or several of which only the last one writes: it may be run
   * without a transaction around it.
   */
  readonly write: Effect.Effect<void, SqlError>
  /** Asks another session whether what was written is there. */
  readonly isThere: (ask: Ask) => Effect.Effect<boolean, SqlError>
}

/** A query outside of the transaction. */
export type Ask = (
  sql: string,
  params: ReadonlyArray<unknown>
) => Effect.Effect<{ readonly rows: ReadonlyArray<object> }, SqlError>

/** A connection whose present transaction can gather. */
export interface Gathering {
  gathered: Gathered | undefined
}

export const offers = (connection: SqlConnection.Connection): connection is SqlConnection.Connection & Gathering =>
  "gathered" in connection
