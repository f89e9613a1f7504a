import type { Clock } from "effect"

/** Milliseconds of a clock that does not go back. */
export const monotonic = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe() / 1_000n) / 1_000
