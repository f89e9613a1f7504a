/**
 * What a broker hands to a consumer one by one, as batches: while one batch is committed the next one gathers.
 */
export class Gathered<A> {
  readonly #most: number
  readonly #handle: (batch: ReadonlyArray<A>) => Promise<void>
  #waiting: Array<A> = []
  #busy = false

  /** Batches have at most `most` and are handled one after the other. */
  constructor(most: number, handle: (batch: ReadonlyArray<A>) => Promise<void>) {
    this.#most = most
    this.#handle = handle
  }

  add(one: A): void {
    this.#waiting.push(one)
    if (this.#busy) return
    this.#busy = true
    // What has come in the same chunk comes along.
    setImmediate(() => void this.#run())
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, this.#most)
      this.#waiting = this.#waiting.slice(this.#most)
      await this.#handle(batch)
    }
    this.#busy = false
  }
}
