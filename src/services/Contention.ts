/**
 * Transactions that the database has ended because others were in their way, by a deadlock or because they could not be put in one
 * order: nothing of them is committed, so each is run again from its beginning, a few times, after a wait that grows.
 *
 * One inside a caller's transaction is not: the caller's has failed with it, and only the caller can begin that again.
 */
import { Duration, Effect, Random, Schedule } from "effect"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import * as Backoff from "../protocol/Backoff.ts"
import type { Transactions } from "./Transactions.ts"

/** How often a transaction is run again, at most. */
export const mostAgain = 5
/** The longest first wait; each further one may be twice as long. */
const firstWait: Duration.Input = "20 millis"

/** Whether the database has chosen this transaction to fail for the sake of another one (SQLSTATE 40P01 and 40001). */
export const isContended = (error: unknown): error is SqlError =>
  isSqlError(error) && (error.reason._tag === "DeadlockError" || error.reason._tag === "SerializationError")

/** Full jitter, in whole milliseconds: those who were in each other's way do not meet again. */
const waits = Schedule.exponential(firstWait).pipe(
  Schedule.modifyDelay(({ duration }) =>
    Effect.map(Random.next, (random) => Backoff.below(Duration.toMillis(duration), random))
  ),
  Schedule.upTo({ times: mostAgain })
)

/** Like `Transactions.within`, but for what it runs again. The last failure is the caller's. */
export const within =
  ({ isOpen, within }: Transactions["Service"]) =>
  <A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R> =>
    Effect.flatMap(isOpen, (open) =>
      open ? within(work) : Effect.retry(within(work), { schedule: waits, while: isContended })
    )
