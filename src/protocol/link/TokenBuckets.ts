/**
 * A token bucket for each of many names, all of one rate, such as the hosts that connect.
 *
 * Names come from strangers, so there is a limit of them: beyond it the one that has asked for nothing for the longest
 * time is forgotten, which gives it a full bucket again.
 */
import { type Rate, TokenBucket } from "./TokenBucket.ts"

export class TokenBuckets {
  readonly rate: Rate
  readonly #most: number
  /** The name that asked last comes last. */
  readonly #buckets = new Map<string, TokenBucket>()

  /** `most`: names remembered at once. */
  constructor(rate: Rate, most: number) {
    this.rate = rate
    this.#most = most
  }

  get size(): number {
    return this.#buckets.size
  }

  /** Takes a token of this name if it has one. `now` is in milliseconds of a clock that does not go back. */
  take(name: string, now: number): boolean {
    const known = this.#buckets.get(name)
    const bucket = known ?? new TokenBucket(this.rate, now)
    if (known !== undefined) this.#buckets.delete(name)
    else if (this.#buckets.size >= this.#most) this.#forgetOldest()
    this.#buckets.set(name, bucket)
    return bucket.take(now)
  }

  #forgetOldest(): void {
    for (const name of this.#buckets.keys()) {
      this.#buckets.delete(name)
      return
    }
  }
}
