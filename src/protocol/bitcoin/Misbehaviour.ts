/**
 * What a peer does wrong, in points: at 100 it is closed, and kept out for a day. What costs how much is what nodes of BSV
 * charge; what they do not mind costs nothing.
 *
 * Points are a connection's own and go with it. They do not fade: an honest node makes next to none.
 */

/** Points at which a peer is kept out. */
export const limit = 100

export const points = {
  /** More headers in one message than there may be. */
  "headers-many": 20,
  /** Headers of which one does not follow the one before it. */
  "headers-broken": 20,
  /** Many headers that follow none that is known, or few of them, ten times in a row. */
  "headers-unconnected": 20,
  /** A header whose hash is above what its bits say. */
  "header-work": 50,
  /** Bits that the rules do not give at its height. */
  "header-bits": 100,
  "addresses-many": 20,
  "version-twice": 1,
  "before-handshake": 1,
  "sendheaders-twice": 1,
  /** A hundred messages in a row, less than half a second apart, whose checksum is wrong. */
  "checksum-flood": 1,
  /** Nodes say so at the most, and go on. */
  "payload-malformed": 0,
  "filter-unasked": 100,
  /** It is closed for it, and no more. */
  "block-merkle": 0
} as const

export type Fault = keyof typeof points

export class Score {
  #points = 0

  get points(): number {
    return this.#points
  }

  /** Whether that is enough to keep the peer out. */
  charge(fault: Fault): boolean {
    this.#points = Math.min(limit, this.#points + points[fault])
    return this.#points >= limit
  }
}

/** Wrong checksums cost nothing one by one: a network makes them. */
const floodLength = 100
const floodMillis = 500

/** Notices more than 100 wrong checksums in a row, each less than 500 ms after the one before. */
export class ChecksumFlood {
  #count = 0
  #last = Number.NEGATIVE_INFINITY

  /** A message with a wrong checksum has come at `now`, in monotonic milliseconds; whether that is one too many. */
  spoiled(now: number): boolean {
    this.#count = now - this.#last < floodMillis ? this.#count + 1 : 1
    this.#last = now
    if (this.#count <= floodLength) return false
    this.#count = 0
    return true
  }

  /** A good message has come. */
  good(): void {
    this.#count = 0
  }
}
