/**
 * One transaction of the node's database, whatever database that is: state, outgoing messages and events that are
 * written inside it become true together or not at all.
 */
import { Context, type Effect, Schema } from "effect"
import { SqlError, UnknownError } from "effect/sql/SqlError"

/**
 * Nobody can say whether a transaction was committed: the connection was lost during its COMMIT. It is the `cause` of
 * the reason of an `SqlError` that is not retryable. Look for what the transaction writes before running it again.
 */
export class CommitUnknown extends Schema.TaggedError<CommitUnknown>()("CommitUnknown", {
  /** The transaction's id at the server, if a statement of it has told. */
  transaction: Schema.UndefinedOr(Schema.String),
  problem: Schema.String,
  cause: Schema.optional(Schema.Defect())
}) {
  override get message(): string {
    const which = this.transaction === undefined ? "a transaction" : `transaction ${this.transaction}`
    return (
      `The connection was lost during the COMMIT of ${which} and its outcome is unknown, because ${this.problem}: ` +
      `look for what it writes before you run it again`
    )
  }
}

/** The error that says so. */
export const commitUnknown = (problem: string, transaction?: string, lost?: unknown): SqlError => {
  const cause = new CommitUnknown({ transaction, problem, cause: lost })
  return new SqlError({ reason: new UnknownError({ cause, message: cause.message, operation: "commit" }) })
}

/** Whether the error says that the transaction may have been committed, and may not. */
export const isCommitUnknown = (error: SqlError): boolean => error.reason.cause instanceof CommitUnknown

export class Transactions extends Context.Service<
  Transactions,
  {
    /**
     * Runs `effect` as one transaction, or as a savepoint inside the one that is open; a failure rolls it back. An
     * `SqlError` that is retryable says that nothing was committed; one that `isCommitUnknown` says that nobody knows.
     */
    readonly within: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | SqlError, R>
    /** Runs `effect` once the outermost open transaction has committed, at once if none is open. Keep it short. */
    readonly afterCommit: (effect: Effect.Effect<void>) => Effect.Effect<void>
    /** Whether the fiber is inside a transaction. */
    readonly isOpen: Effect.Effect<boolean>
  }
>()("holdfast/services/Transactions") {}
