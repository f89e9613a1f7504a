/**
 * Letting a test's virtual time pass. `TestClock.adjust` follows the work that its own timers wake and no other, so what
 * a test has just started gets its turns first, and again what follows.
 */
import { type Duration, Effect } from "effect"
import { TestClock } from "effect/testing"

/** Everything that needs no time happens: work in memory, however many fibers hand it on to each other. */
export const settle: Effect.Effect<void> = Effect.gen(function* () {
  for (let turn = 0; turn < 120; turn++) yield* Effect.yieldNow
})

/** Time passes, and everything that follows from it happens. */
export const pass = Effect.fnUntraced(function* (duration: Duration.Input) {
  yield* settle
  yield* TestClock.adjust(duration)
  yield* settle
})
