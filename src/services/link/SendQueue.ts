/**
 * What a connection still has to write: a control lane before a bulk lane, both bounded in bytes.
 *
 * Plain code, owned by one connection. The writer takes everything that waits, control first, up to a limit, so that
 * one write carries many frames. A producer of bulk waits for room; control that overflows means a peer too slow to
 * keep.
 */
import { Effect, Latch } from "effect"
import { none, type Points } from "../Buggify.ts"

export interface Limits {
  readonly controlBytes: number
  readonly bulkBytes: number
  /** About how much one write carries. */
  readonly writeBytes: number
}

export const defaults: Limits = { controlBytes: 64 * 1024, bulkBytes: 1024 * 1024, writeBytes: 256 * 1024 }

export class SendQueue {
  readonly #limits: Limits
  readonly #points: Points
  #control: Array<Uint8Array> = []
  #controlBytes = 0
  #bulk: Array<Uint8Array> = []
  #bulkAt = 0
  #bulkBytes = 0
  #closed = false
  readonly #filled = Latch.makeUnsafe(false)
  readonly #room = Latch.makeUnsafe(true)

  constructor(limits: Limits = defaults, points: Points = none) {
    this.#limits = limits
    this.#points = points
  }

  get bytes(): number {
    return this.#controlBytes + this.#bulkBytes
  }

  /** Queues a control frame; false if the lane is full, which ends the connection. Ignored once closed. */
  control(frame: Uint8Array): boolean {
    if (this.#closed) return true
    if (this.#controlBytes + frame.length > this.#limits.controlBytes) return false
    this.#control.push(frame)
    this.#controlBytes += frame.length
    this.#filled.openUnsafe()
    return true
  }

  /** Queues a bulk frame if there is room. One that is larger than the lane goes when the lane is empty. */
  offer(frame: Uint8Array): boolean {
    if (this.#closed) return true
    if (this.#bulkBytes > 0 && this.#bulkBytes + frame.length > this.#limits.bulkBytes) {
      this.#room.closeUnsafe()
      return false
    }
    this.#bulk.push(frame)
    this.#bulkBytes += frame.length
    this.#filled.openUnsafe()
    return true
  }

  /** Queues a bulk frame, waiting for room. */
  bulk(frame: Uint8Array): Effect.Effect<void> {
    return Effect.suspend(() => (this.offer(frame) ? Effect.void : this.#room.whenOpen(this.bulk(frame))))
  }

  /**
   * Nothing more is queued; what waits is still handed out, then `take` gives nothing. `last` goes behind all of it,
   * whatever the limits, since a peer that has read a last word reads no further.
   */
  close(last?: Uint8Array): void {
    if (last !== undefined && !this.#closed) {
      this.#bulk.push(last)
      this.#bulkBytes += last.length
    }
    this.#closed = true
    this.#filled.openUnsafe()
    this.#room.openUnsafe()
  }

  /** Waits for frames and takes about one write's worth, control first; empty only once closed and drained. */
  readonly take: Effect.Effect<ReadonlyArray<Uint8Array>> = Effect.suspend(() => {
    const frames = this.#next()
    return frames.length > 0 || this.#closed ? Effect.succeed(frames) : Effect.andThen(this.#woken, this.take)
  })

  /** Goes on after the turn in which the first frame was queued, so that all of that turn share one write. */
  readonly #woken = Effect.suspend(() => Effect.andThen(this.#filled.await, Effect.yieldNow))

  #next(): ReadonlyArray<Uint8Array> {
    const frames = this.#control
    let bytes = this.#controlBytes
    this.#control = []
    this.#controlBytes = 0
    const most = this.#points.fires("link.written-frame-by-frame") ? 1 : this.#limits.writeBytes
    while (this.#bulkAt < this.#bulk.length && (frames.length === 0 || bytes < most)) {
      const frame = this.#bulk[this.#bulkAt++]!
      frames.push(frame)
      bytes += frame.length
      this.#bulkBytes -= frame.length
    }
    this.#compact()
    if (this.#bulkBytes < this.#limits.bulkBytes) this.#room.openUnsafe()
    if (this.#bulk.length === 0 && !this.#closed) this.#filled.closeUnsafe()
    return frames
  }

  #compact(): void {
    if (this.#bulkAt === this.#bulk.length) {
      this.#bulk = []
      this.#bulkAt = 0
    } else if (this.#bulkAt > 1_024) {
      this.#bulk = this.#bulk.slice(this.#bulkAt)
      this.#bulkAt = 0
    }
  }
}
