/**
 * Large buffers that are used again. A fresh one costs more than what is done with it: the system gives it out page by
 * page, and the collector has to find out that it is free.
 *
 * Whoever takes a buffer gives it back when nobody can see its bytes any more, or never.
 */
export class BufferPool {
  readonly size: number
  readonly #most: number
  readonly #free: Array<ArrayBuffer> = []

  /** Buffers of `size` bytes, of which at most `most` are kept. */
  constructor(size: number, most: number) {
    this.size = size
    this.#most = most
  }

  /** `length` bytes with whatever is in them; from the pool if they are a good part of a buffer. */
  take(length: number = this.size): Uint8Array {
    if (length > this.size || length < this.size / 8) return Buffer.allocUnsafe(length)
    return new Uint8Array(this.#free.pop() ?? Buffer.allocUnsafeSlow(this.size).buffer, 0, length)
  }

  giveBack(taken: Uint8Array): void {
    const { buffer } = taken
    if (!(buffer instanceof ArrayBuffer) || buffer.byteLength !== this.size) return
    if (this.#free.length < this.#most) this.#free.push(buffer)
  }
}
