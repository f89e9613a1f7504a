/**
 * Notices that the wall clock was set back, by the clock that never is.
 *
 * Messages wait in the database until a time of the wall clock, which alone survives a restart. Where that clock is set
 * back they would wait as much longer. A clock that was set back while no node ran is noticed by messages that were
 * sent later than now (`Upkeep`), and otherwise not; no wait is longer than a day and the longest back-off then.
 */
import type { Clock } from "effect"

/** Milliseconds. Less than this is how clocks are kept right. */
const noticed = 1_000

export class SetBack {
  readonly #clock: Clock.Clock
  #ahead: number

  constructor(clock: Clock.Clock) {
    this.#clock = clock
    this.#ahead = this.#now()
  }

  /** By how many milliseconds it was set back since the last `accept`; `undefined` if it was not. */
  get millis(): number | undefined {
    const back = this.#ahead - this.#now()
    return back < noticed ? undefined : back
  }

  /** From here on the time is taken as it is. */
  accept(): void {
    this.#ahead = this.#now()
  }

  /** How far the wall clock is ahead of the monotonic one. */
  #now(): number {
    return this.#clock.currentTimeMillisUnsafe() - Number(this.#clock.monotonicTimeNanosUnsafe() / 1_000_000n)
  }
}
