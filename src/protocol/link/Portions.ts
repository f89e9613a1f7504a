/**
 * What is to be written, taken in portions, so that whoever writes sees how far it has come. Nothing is copied.
 */
export class Portions {
  /** As they came, before anything is taken. */
  readonly all: ReadonlyArray<Uint8Array>
  /** Bytes that have not been taken. */
  left = 0
  #index = 0
  #from = 0

  constructor(chunks: ReadonlyArray<Uint8Array>) {
    this.all = chunks
    for (let i = 0; i < chunks.length; i++) this.left += chunks[i]!.length
  }

  /** The next bytes: `most` of them, or all that are left. */
  take(most: number): ReadonlyArray<Uint8Array> {
    const out: Array<Uint8Array> = []
    let room = Math.min(most, this.left)
    this.left -= room
    while (room > 0) {
      const chunk = this.all[this.#index]!
      const end = Math.min(chunk.length, this.#from + room)
      if (end > this.#from) out.push(chunk.subarray(this.#from, end))
      room -= end - this.#from
      this.#from = end === chunk.length ? 0 : end
      if (end === chunk.length) this.#index++
    }
    return out
  }
}
