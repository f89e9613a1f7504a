/**
 * A token bucket: so much at once, so much a second on average. Limits dials, frames, accepted connections: whatever
 * has a cost and a time.
 *
 * Plain and synchronous, without a clock of its own: every call says what time it is, in milliseconds of a clock of
 * the caller's. A clock that goes back gives nothing and takes nothing.
 */

export interface Rate {
  /** Tokens of a full bucket: what may happen at once after a quiet time. */
  readonly burst: number
  /** Tokens that come in a second, until the bucket is full. */
  readonly perSecond: number
}

export class TokenBucket {
  readonly rate: Rate
  #tokens: number
  #at: number

  /** A full bucket. */
  constructor(rate: Rate, now: number) {
    this.rate = rate
    this.#tokens = rate.burst
    this.#at = now
  }

  /** The tokens there are now, at most a burst; below zero as long as some are owed. */
  tokens(now: number): number {
    this.#fill(now)
    return this.#tokens
  }

  /** Takes `cost` tokens if they are there, else none. */
  take(now: number, cost = 1): boolean {
    this.#fill(now)
    if (this.#tokens < cost) return false
    this.#tokens -= cost
    return true
  }

  /**
   * Takes `cost` tokens, on credit if need be, and tells how many milliseconds to wait until they are paid for: 0 if
   * they were there. Whoever waits so long keeps the rate, and calls that wait at the same time come after each other.
   * The credit has no limit; to bound it look at `tokens` first.
   */
  spend(now: number, cost = 1): number {
    this.#fill(now)
    this.#tokens -= cost
    return this.#tokens >= 0 ? 0 : this.#millisFor(-this.#tokens)
  }

  /** How many milliseconds until `take` will succeed, if nobody else takes any; infinite above a burst. */
  waitMillis(now: number, cost = 1): number {
    this.#fill(now)
    if (cost > this.rate.burst) return Number.POSITIVE_INFINITY
    return this.#tokens >= cost ? 0 : this.#millisFor(cost - this.#tokens)
  }

  /** Rounded up, so that the tokens are there when the time is over. */
  #millisFor(tokens: number): number {
    return Math.ceil((tokens * 1_000) / this.rate.perSecond)
  }

  #fill(now: number): void {
    const elapsed = now - this.#at
    this.#at = now
    if (elapsed <= 0) return
    this.#tokens = Math.min(this.rate.burst, this.#tokens + (elapsed * this.rate.perSecond) / 1_000)
  }
}
