/**
 * What setting timers and running them share within a process: the time that they go by, and the wake-up after a commit.
 *
 * A wake-up is a hint. Nothing depends on it but how soon a timer runs that is due before the next look.
 */
import { Clock, Context, Effect, Latch, Layer } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { monotonic } from "../Monotonic.ts"
import { SetBack } from "./SetBack.ts"
import { type Now, TimerStore } from "./TimerStore.ts"

export class TimerWatch extends Context.Service<
  TimerWatch,
  {
    /** Synchronous. */
    readonly now: () => Now
    /** Milliseconds until the next timer is due; `undefined` if there is none. Whatever is set from here on is heard of. */
    readonly look: Effect.Effect<number | undefined, SqlError>
    /** So many milliseconds pass, or something is set that is due before. */
    readonly sleep: (millis: number) => Effect.Effect<void>
    /** What was committed is due after so many milliseconds from the moment of this call; run its result then. */
    readonly wakeFor: (millis: number) => Effect.Effect<void>
  }
>()("holdfast/services/delivery/TimerWatch") {
  static readonly layer: Layer.Layer<TimerWatch, SqlError, TimerStore> = Layer.effect(
    TimerWatch,
    Effect.suspend(() => make)
  )
}

const awake = Number.POSITIVE_INFINITY

const make = Effect.gen(function* () {
  const store = yield* TimerStore
  const clock = yield* Clock.Clock
  const setBack = new SetBack(clock)
  const latch = Latch.makeUnsafe(true)
  /** By the monotonic clock. */
  let sleepsUntil = awake
  /** How far the steady time is ahead of the wall clock, apart from what it was set back by since. */
  let ahead = 0

  const now = (): Now => {
    const wall = clock.currentTimeMillisUnsafe()
    return { wall, steady: wall + ahead + (setBack.millis ?? 0) }
  }

  /** Until the store knows, the steady time goes on all the same. */
  const tellSetBack = Effect.gen(function* () {
    const millis = setBack.millis
    if (millis === undefined) return setBack.accept()
    yield* store.setAhead(ahead + millis)
    ahead += millis
    setBack.accept()
    yield* Effect.annotateLogs(Effect.logWarning("The clock was set back: timers wait no longer for it"), { millis })
  })

  const ask = Effect.map(
    Effect.suspend(() => store.next(now())),
    (next) => {
      ahead = Math.max(ahead, next.ahead)
      return next.wait
    }
  )
  yield* ask

  return TimerWatch.of({
    now,
    look: Effect.andThen(
      tellSetBack,
      Effect.suspend(() => {
        latch.closeUnsafe()
        return ask
      })
    ),
    sleep: (millis) =>
      Effect.suspend(() => {
        sleepsUntil = monotonic(clock) + millis
        return Effect.timeoutOption(latch.await, millis)
      }).pipe(Effect.ensuring(Effect.sync(() => void (sleepsUntil = awake)))),
    wakeFor: (millis) => {
      const dueAt = monotonic(clock) + millis
      return Effect.sync(() => (dueAt < sleepsUntil ? latch.openUnsafe() : false))
    }
  })
})
