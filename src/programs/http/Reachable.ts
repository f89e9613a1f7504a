/**
 * A database that does not answer, as the API reports it.
 */
import { Effect } from "effect"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import { Unavailable } from "./ApiErrors.ts"

const unavailable = new Unavailable({
  message: "the database does not answer",
  fix: "Try again; see the node's log, and that its database runs. What was committed is not lost."
})

const isOther = <E>(error: E): error is Exclude<E, SqlError> => !isSqlError(error)

/** Turns failures of the database into `Unavailable`; they are logged, for their details are not the caller's. */
export const reachable = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, Exclude<E, SqlError> | Unavailable, R> =>
  Effect.catch(effect, (error): Effect.Effect<never, Exclude<E, SqlError> | Unavailable> =>
    isOther(error)
      ? Effect.fail(error)
      : Effect.andThen(Effect.logWarning("A request found no database", error), Effect.fail(unavailable))
  )
