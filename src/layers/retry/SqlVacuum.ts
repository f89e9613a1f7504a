/**
 * Keeps the outbox small while messages pass through it.
 *
 * Every message leaves two dead rows behind, and whoever looks for the next one has to step over their index entries.
 * The embedded database never cleans up by itself and a server does so once a minute at best, so the store asks for it
 * after every `CleanupInterval` messages. It runs beside the traffic; where it is not allowed or fails, work goes on more slowly.
 */
import { Context, Effect, Queue, type Scope } from "effect"
import type { SqlClient } from "effect/sql"

/** How many messages are numbered between two runs. */
export const CleanupInterval = Context.Reference<number>("holdfast/layers/retry/SqlVacuum/CleanupInterval", {
  defaultValue: () => 50_000
})

/** Starts the cleaner; the returned function tells it how many more messages have been numbered. */
export const make = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient
): Effect.fn.Return<(count: number) => void, never, Scope.Scope> {
  const interval = yield* CleanupInterval
  const due = yield* Queue.dropping<void>(1)
  let passed = 0
  const clean = Effect.forEach(
    ["holdfast_outbox", "holdfast_outcomes", "holdfast_applied", "holdfast_held"],
    (table) => sql`VACUUM (TRUNCATE off, SKIP_LOCKED) ${sql(table)}`,
    { discard: true }
  )
  yield* Queue.take(due).pipe(
    Effect.andThen(clean),
    Effect.ignore({ log: "Debug", message: "The outbox could not be cleaned up" }),
    Effect.forever,
    Effect.forkScoped
  )
  return (count) => {
    passed += count
    if (passed < interval) return
    passed = 0
    Queue.offerUnsafe(due, undefined)
  }
})
