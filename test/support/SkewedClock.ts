/**
 * The clock of the test, which besides can leap: so does time for a process that stood still.
 */
import { Clock, Duration, Effect } from "effect"

export interface SkewedClock extends Clock.Clock {
  /** Time has gone on by so many milliseconds and no timer knows. */
  readonly jump: (millis: number) => void
  /** Somebody sets the wall clock, or the machine slept and the other one with it. */
  readonly setWall: (byMillis: number) => void
}

export const skewed: Effect.Effect<SkewedClock> = Effect.map(Clock.Clock, (clock) => {
  let ticks = 0
  let wall = 0
  const millis = () => clock.currentTimeMillisUnsafe() + ticks + wall
  const nanos = () => clock.currentTimeNanosUnsafe() + BigInt(ticks + wall) * 1_000_000n
  return {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe() + BigInt(ticks) * 1_000_000n,
    monotonicTimeNanos: Effect.sync(() => clock.monotonicTimeNanosUnsafe() + BigInt(ticks) * 1_000_000n),
    sleep: (duration: Duration.Duration) => clock.sleep(duration),
    jump: (by: number) => void (ticks += by),
    setWall: (by: number) => void (wall += by)
  }
})
