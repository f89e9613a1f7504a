/**
 * Bytes that lie in several chunks, taken from the front as if they lay in one. Nothing is copied before it is asked for.
 */
export class Pieces {
  /** Bytes that have not been taken. */
  left: number
  readonly #chunks: ReadonlyArray<Uint8Array>
  #index = 0
  #from = 0

  constructor(chunks: ReadonlyArray<Uint8Array>) {
    this.#chunks = chunks
    this.left = 0
    for (let i = 0; i < chunks.length; i++) this.left += chunks[i]!.length
  }

  /** The next `size` bytes, which are there: where they are, if one chunk has them all, else gathered in `room`. */
  take(size: number, room: Uint8Array): Uint8Array {
    this.left -= size
    this.#skipFinished()
    const chunk = this.#chunks[this.#index]!
    if (chunk.length - this.#from >= size) {
      const taken = chunk.subarray(this.#from, this.#from + size)
      this.#from += size
      return taken
    }
    this.#gather(size, room)
    return room
  }

  #skipFinished(): void {
    while (this.#chunks[this.#index]!.length === this.#from) {
      this.#index++
      this.#from = 0
    }
  }

  #gather(size: number, room: Uint8Array): void {
    let filled = 0
    while (filled < size) {
      this.#skipFinished()
      const chunk = this.#chunks[this.#index]!
      const from = this.#from
      const count = Math.min(chunk.length - from, size - filled)
      room.set(count === chunk.length ? chunk : chunk.subarray(from, from + count), filled)
      filled += count
      this.#from = from + count
    }
  }
}
