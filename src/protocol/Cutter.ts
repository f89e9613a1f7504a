/**
 * Cuts bytes that come in pieces into frames, whatever their layout. Owned by one reader.
 *
 * What a frame carries may be a view of the piece it came in, except where it lies in several: nothing else is copied. At
 * most 128 KiB are held, or twice the bytes that the frame begun has really brought, whatever length it announces and
 * however small the pieces are; each byte is copied a bounded number of times.
 */
const nothing = new Uint8Array(0)
/** What a frame begun may take at once, in bytes, before that much of it has come. */
const freely = 128 * 1024

/** Where frames go that are cut, in their order. */
export interface Sink<Frame> {
  push(frame: Frame): unknown
}

export abstract class Cutter<Frame, Invalid> {
  /** Set for good by the first bytes that cannot begin a frame. */
  protected failed: Invalid | undefined
  #begun: Uint8Array = nothing
  #held = 0

  /**
   * How long the frame at `at` is, by the `have` bytes of it that are there; if they do not say, how many of them do. So
   * where `have` reaches what is returned, the frame is whole. Anything if it sets `failed`.
   */
  protected abstract need(bytes: Uint8Array, at: number, have: number): number

  /** Appends the frame that lies whole in `bytes`, if it is to be handed out. */
  protected abstract take(bytes: Uint8Array, at: number, end: number, frames: Sink<Frame>): void

  /**
   * Appends to `frames` those that `piece` completes, in order. After the first invalid one it fails for good and
   * nothing more is decoded.
   */
  feed(piece: Uint8Array, frames: Sink<Frame>): Invalid | undefined {
    let at = this.#finishBegun(piece, frames)
    while (at < piece.length && this.failed === undefined) {
      const left = piece.length - at
      const need = this.need(piece, at, left)
      if (this.failed !== undefined) break
      if (need > left) {
        this.#keep(piece.subarray(at), need)
        break
      }
      this.take(piece, at, at + need, frames)
      at += need
    }
    return this.failed
  }

  /** The failure of input that ends so many bytes into a frame. */
  protected abstract cutOff(held: number): Invalid

  /** What it means that the input ends here: nothing between frames, a failure inside one. */
  end(): Invalid | undefined {
    return this.failed !== undefined || this.#held === 0 ? this.failed : this.cutOff(this.#held)
  }

  /** How much there is of a frame that is not whole, in bytes. */
  get held(): number {
    return this.#held
  }

  /** Completes the frame that earlier pieces began, as far as this one goes; gives back where the rest starts. */
  #finishBegun(piece: Uint8Array, frames: Sink<Frame>): number {
    let at = 0
    while (this.#held > 0 && this.failed === undefined) {
      const need = this.need(this.#begun, 0, this.#held)
      if (this.failed !== undefined) break
      if (need === this.#held) {
        const whole = this.#begun
        this.#begun = nothing
        this.#held = 0
        this.take(whole, 0, need, frames)
      } else if (at === piece.length) break
      else {
        const taken = piece.subarray(at, at + need - this.#held)
        this.#keep(taken, need)
        at += taken.length
      }
    }
    return at
  }

  /** Appends to the frame begun. The store doubles towards `need`, so that an announced length alone costs little. */
  #keep(bytes: Uint8Array, need: number): void {
    const total = this.#held + bytes.length
    if (total > this.#begun.length) {
      const grown = Buffer.allocUnsafe(Math.min(need, Math.max(freely, 2 * total)))
      grown.set(this.#begun.subarray(0, this.#held))
      this.#begun = grown
    }
    this.#begun.set(bytes, this.#held)
    this.#held = total
  }
}
