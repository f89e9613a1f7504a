/**
 * How much to write at once, so that a peer which takes anything at all has taken it long before it would be given up: less on a slow
 * line, more on a fast one. Plain and mutable.
 */

/** In bytes: the least, that of a new connection, and the most. */
export const [least, first, most] = [4 * 1024, 16 * 1024, 64 * 1024]

/** Parts of the time for a write: who takes longer gets half as much the next time, who takes less gets twice as much. */
const [long, short] = [1 / 10, 1 / 100]

export class PortionSize {
  bytes = first
  readonly #timeout: number

  /** `timeout`: how long a portion may take, in milliseconds. */
  constructor(timeout: number) {
    this.#timeout = timeout
  }

  /** A whole portion took so many milliseconds. */
  took(millis: number): void {
    if (millis > long * this.#timeout) this.bytes = Math.max(least, this.bytes / 2)
    else if (millis < short * this.#timeout) this.bytes = Math.min(most, this.bytes * 2)
  }
}
