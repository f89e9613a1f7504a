/**
 * Frames in the order in which they were queued, and what they take in bytes. A large frame is queued as two pieces,
 * so that nobody has to copy its body behind its header.
 */

/** A frame as one piece, or as its header and its body. */
export type Queued = Uint8Array | readonly [header: Uint8Array, body: Uint8Array]

const isWhole = (frame: Queued): frame is Uint8Array => frame instanceof Uint8Array

/** What a frame takes on the wire, in bytes. */
export const sizeOf = (frame: Queued): number => (isWhole(frame) ? frame.length : frame[0].length + frame[1].length)

const none: Array<Queued> = []

export class Lane {
  #frames: Array<Queued> = none
  #at = 0
  bytes = 0

  /** Whether the frame goes in without the lane holding more than `limit` bytes. */
  fits(frame: Queued, limit: number): boolean {
    return this.bytes + sizeOf(frame) <= limit
  }

  push(frame: Queued): void {
    if (this.#frames === none) this.#frames = []
    this.#frames.push(frame)
    this.bytes += sizeOf(frame)
  }

  shift(): Queued | undefined {
    const frame = this.#frames[this.#at]
    if (frame === undefined) return undefined
    this.#at++
    this.bytes -= sizeOf(frame)
    this.#compact()
    return frame
  }

  /** Moves whole frames to `chunks` until they have reached `most` bytes: how many bytes they are. */
  takeInto(chunks: Array<Uint8Array>, most: number): number {
    let taken = 0
    while (taken < most && this.#at < this.#frames.length) {
      const frame = this.#frames[this.#at++]!
      if (isWhole(frame)) chunks.push(frame)
      else chunks.push(frame[0], frame[1])
      taken += sizeOf(frame)
    }
    this.bytes -= taken
    this.#compact()
    return taken
  }

  #compact(): void {
    if (this.#at === this.#frames.length) {
      this.#frames = none
      this.#at = 0
    } else if (this.#at > 1_024) {
      this.#frames = this.#frames.slice(this.#at)
      this.#at = 0
    }
  }
}
