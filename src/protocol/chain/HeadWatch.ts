/**
 * The first missing block, since when it is waited for, and what that says of the line: if it is late wherever it was asked for, it
 * may be this side that is slow, and deadlines are put off, twice as far each time. They come back by half with each chunk that is done.
 */
import type { Chunk, Slot } from "./BodyChunk.ts"
import type { Policy } from "./BodyPolicy.ts"

export class HeadWatch {
  readonly #policy: Policy
  #head: Slot | undefined
  #chunk: Chunk | undefined
  #since = 0
  #widened = 1
  #stalls = 0
  #stalledAt = 0

  constructor(policy: Policy) {
    this.#policy = policy
  }

  /** Since when it is the first. */
  get since(): number {
    return this.#since
  }

  /** After so long a chunk is late, whatever its peer should take. */
  get lateMillis(): number {
    return this.#policy.lateMillis * this.#widened
  }

  /** This one is the first now. */
  see(head: Slot | undefined, now: number): void {
    if (head === this.#head) return
    const isSameChunk = this.#chunk !== undefined && head?.copies.includes(this.#chunk) === true
    if (this.#head !== undefined && !isSameChunk) this.#widened = Math.max(1, this.#widened / 2)
    this.#head = head
    this.#since = now
    this.#stalls = 0
  }

  /** Remembers who is to give it. */
  rest(head: Slot | undefined): void {
    this.#chunk = head?.copies[0]
  }

  /** It is late, and nobody is left to ask. When to say so: now, or later if it was said already, ever more seldom. */
  stalls(now: number): number {
    if (this.#stalls === 0) return now
    return this.#stalledAt + this.#policy.lateMillis * Math.min(this.#policy.mostWiden, 2 ** this.#stalls)
  }

  /** It is said. `isEverybody`: others were late as well. A single peer that is late says nothing of the line. */
  stall(now: number, isEverybody: boolean): void {
    this.#stalls++
    this.#stalledAt = now
    if (isEverybody) this.#widened = Math.min(this.#policy.mostWiden, this.#widened * 2)
  }
}
