/**
 * Tells an outage on this side from the loss of a peer: more peers than `tolerated` are lost within `withinMillis`
 * (docs/PROTOCOL.md, 6). The first of them cannot know yet and count as single losses.
 */
export class Losses {
  readonly #tolerated: number
  readonly #withinMillis: number
  /** When the last ones were, oldest first; as many as are tolerated. */
  #recent: ReadonlyArray<number> = []

  constructor(tolerated = 3, withinMillis = 1_000) {
    this.#tolerated = tolerated
    this.#withinMillis = withinMillis
  }

  /** A peer was lost; whether that makes too many at once. `now` is in milliseconds of a clock that does not go back. */
  lost(now: number): boolean {
    const together = this.#recent.filter((at) => now - at < this.#withinMillis).length
    this.#recent = [...this.#recent, now].slice(-this.#tolerated)
    return together >= this.#tolerated
  }
}
