/**
 * The consumer's own count of committed effects. It only says when to look: what counts is what the database holds.
 */
import { now } from "../End.ts"

export class Arrivals {
  #left = 0
  #delays: Array<number> = []
  #done: (at: number) => void = () => undefined
  #finished: Promise<number> = Promise.resolve(0)

  /** Starts over. */
  expect(count: number): void {
    this.#left = count
    this.#delays = []
    this.#finished = new Promise((resolve) => {
      this.#done = resolve
    })
  }

  /** The time of the commit that brought the last one. */
  get finished(): Promise<number> {
    return this.#finished
  }

  /** The effect of one message is committed. `sentAt` is a time of the shared clock, or not positive if nobody asks. */
  committed(sentAt: number): void {
    const at = now()
    if (sentAt > 0) this.#delays.push((at - sentAt) / 1e6)
    if (--this.#left === 0) this.#done(at)
  }

  /** Milliseconds of each that had a time. */
  get delays(): Float64Array {
    return Float64Array.from(this.#delays)
  }
}
