/**
 * What a connection still has to write: a control lane before a gossip lane before a bulk lane, each bounded in bytes.
 *
 * Plain code, owned by one connection. The writer takes everything that waits, up to a limit, so that one write carries
 * many frames. A producer of bulk waits for room; gossip pushes out what is oldest of it; control that overflows means
 * a peer too slow to keep.
 */
import { Effect, Latch } from "effect"
import { none, type Points } from "../Buggify.ts"
import { Lane, type Queued } from "./Lane.ts"

export interface Limits {
  readonly controlBytes: number
  readonly gossipBytes: number
  readonly bulkBytes: number
  /** About how much one write carries. */
  readonly writeBytes: number
}

export const defaults: Limits = {
  controlBytes: 64 * 1024,
  gossipBytes: 64 * 1024,
  bulkBytes: 1024 * 1024,
  writeBytes: 256 * 1024
}

export class SendQueue {
  readonly #limits: Limits
  readonly #points: Points
  readonly #control = new Lane()
  #gossip: Lane | undefined
  readonly #bulk = new Lane()
  /** Nothing more is queued, and the last word is. */
  closed = false
  /** Nothing more is queued but the last word. */
  #sealed = false
  /** Frames that were thrown away for newer ones. */
  dropped = 0
  readonly #onFilled: () => void
  #room: Latch.Latch | undefined

  /** `onFilled` is called whenever something has been queued or nothing more will be. */
  constructor(onFilled: () => void, limits: Limits = defaults, points: Points = none) {
    this.#onFilled = onFilled
    this.#limits = limits
    this.#points = points
  }

  get bytes(): number {
    return this.#control.bytes + (this.#gossip?.bytes ?? 0) + this.#bulk.bytes
  }

  /** Queues a control frame; false if the lane is full, which ends the connection. Ignored once closed. */
  control(frame: Queued): boolean {
    if (this.#sealed) return true
    if (!this.#control.fits(frame, this.#limits.controlBytes)) return false
    this.#control.push(frame)
    this.#onFilled()
    return true
  }

  /** Queues a frame that may be lost: the oldest of its kind make room for it. */
  gossip(frame: Queued): void {
    if (this.#sealed) return
    const lane = (this.#gossip ??= new Lane())
    while (lane.bytes > 0 && !lane.fits(frame, this.#limits.gossipBytes)) {
      lane.shift()
      this.dropped++
    }
    lane.push(frame)
    this.#onFilled()
  }

  /** Queues a bulk frame if there is room. One that is larger than the lane goes when the lane is empty. */
  offer(frame: Queued): boolean {
    if (this.#sealed) return true
    if (this.#bulk.bytes > 0 && !this.#bulk.fits(frame, this.#limits.bulkBytes)) return false
    this.#bulk.push(frame)
    this.#onFilled()
    return true
  }

  /** Queues a bulk frame, waiting for room. */
  bulk(frame: Queued): Effect.Effect<void> {
    return Effect.suspend(() => (this.offer(frame) ? Effect.void : this.#afterRoom(() => this.bulk(frame))))
  }

  /** Queues bulk frames in their order, waiting for room as often as it takes. */
  bulkAll(frames: ReadonlyArray<Queued>, from = 0): Effect.Effect<void> {
    return Effect.suspend(() => {
      for (let i = from; i < frames.length; i++) {
        if (!this.offer(frames[i]!)) return this.#afterRoom(() => this.bulkAll(frames, i))
      }
      return Effect.void
    })
  }

  #afterRoom(then: () => Effect.Effect<void>): Effect.Effect<void> {
    this.#room ??= Latch.makeUnsafe(true)
    this.#room.closeUnsafe()
    return Effect.flatMap(this.#room.await, then)
  }

  /** Nothing more is queued until `close`; what waits is handed out. */
  seal(): void {
    this.#sealed = true
    this.#room?.openUnsafe()
  }

  /**
   * Nothing more is queued; what waits is still handed out, then `take` gives nothing. `last` goes behind all of it,
   * whatever the limits, since a peer that has read a last word reads no further.
   */
  close(last?: Uint8Array): void {
    if (last !== undefined && !this.closed) this.#bulk.push(last)
    this.closed = true
    this.seal()
    this.#onFilled()
  }

  /** Takes about one write's worth, control first; nothing if nothing waits. */
  take(): ReadonlyArray<Uint8Array> {
    const chunks: Array<Uint8Array> = []
    const most = this.#points.fires("link.written-frame-by-frame") ? 1 : this.#limits.writeBytes
    const control = this.#control.takeInto(chunks, Number.POSITIVE_INFINITY)
    const volatile = control + (this.#gossip?.takeInto(chunks, most - control) ?? 0)
    // A frame goes, however large, if nothing else does.
    this.#bulk.takeInto(chunks, chunks.length === 0 ? Math.max(1, most) : most - volatile)
    if (this.#bulk.bytes < this.#limits.bulkBytes) this.#room?.openUnsafe()
    return chunks
  }
}
