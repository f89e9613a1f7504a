/**
 * One transaction of the node's database, whatever database that is: state, outgoing messages and events that are
 * written inside it become true together or not at all.
 */
import { Context, type Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"

export class Transactions extends Context.Service<
  Transactions,
  {
    /** Runs `effect` as one transaction, or as a savepoint inside the one that is open; a failure rolls it back. */
    readonly within: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | SqlError, R>
    /** Runs `effect` once the outermost open transaction has committed, at once if none is open. Keep it short. */
    readonly afterCommit: (effect: Effect.Effect<void>) => Effect.Effect<void>
    /** Whether the fiber is inside a transaction. */
    readonly isOpen: Effect.Effect<boolean>
  }
>()("holdfast/services/Transactions") {}
