/**
 * Frames of one session that wait for its handler, bounded in bytes: whoever reads them in waits while it is full.
 *
 * One reader puts frames in, and wakes the handler when it has put in all it had; one handler takes them out.
 */
import { Array as Arr, Effect } from "effect"
import type { Frame } from "../../protocol/link/Frame.ts"

/** The frames of a session as its handler sees them. One taker at a time. */
export interface Frames<F extends Frame = Frame> {
  /** The next frame; waits for one. */
  readonly take: Effect.Effect<F>
  /** All that are there, at least one. */
  readonly takeAll: Effect.Effect<Arr.NonEmptyReadonlyArray<F>>
}

type Waiter = (resumed: Effect.Effect<void>) => void

/** What a frame takes besides its body, about, in bytes: empty frames fill an inbox as well. */
const overhead = 64

/**
 * What a frame takes beside another one that is there. A body is a view of the chunk in which it came and keeps all of it
 * alive, so that it is the chunk that counts, once, or a peer could fill the memory and not the inbox.
 */
const cost = ({ body }: Frame, neighbour: Frame | undefined): number =>
  neighbour?.body.buffer === body.buffer ? overhead : overhead + body.buffer.byteLength

export class Inbox<F extends Frame = Frame> implements Frames<F> {
  readonly #limit: number
  #frames: Array<F> = []
  #at = 0
  #bytes = 0
  #taker: Waiter | undefined
  #reader: Waiter | undefined

  /** Full from `limit` bytes on. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** What the frames keep alive that wait, in bytes. */
  get bytes(): number {
    return this.#bytes
  }

  get full(): boolean {
    return this.#bytes >= this.#limit
  }

  /** Puts a frame in, full or not. Nobody is woken. */
  put(frame: F): void {
    this.#bytes += cost(frame, this.#at === this.#frames.length ? undefined : this.#frames.at(-1))
    this.#frames.push(frame)
  }

  /** Puts a frame in. What is returned must be waited for before the next one. */
  deliver(frame: F): Effect.Effect<void> | undefined {
    this.put(frame)
    if (!this.full) return undefined
    this.wake()
    return this.full ? this.room : undefined
  }

  /** Lets the handler go on, if it waits and there is something. */
  wake(): void {
    const taker = this.#taker
    if (taker === undefined || this.#at === this.#frames.length) return
    this.#taker = undefined
    taker(Effect.void)
  }

  /** Waits until it is not full. */
  get room(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      if (!this.full) return resume(Effect.void)
      this.#reader = resume
      return Effect.sync(() => {
        this.#reader = undefined
      })
    })
  }

  get take(): Effect.Effect<F> {
    return Effect.suspend(() => {
      const frame = this.#frames[this.#at]
      if (frame === undefined) return Effect.flatMap(this.#filled, () => this.take)
      this.#at++
      this.#taken(cost(frame, this.#frames[this.#at]))
      return Effect.succeed(frame)
    })
  }

  get takeAll(): Effect.Effect<Arr.NonEmptyReadonlyArray<F>> {
    return Effect.suspend(() => {
      const frames = this.#at === 0 ? this.#frames : this.#frames.slice(this.#at)
      if (!Arr.isArrayNonEmpty(frames)) return Effect.flatMap(this.#filled, () => this.takeAll)
      this.#at = this.#frames.length
      this.#taken(this.#bytes)
      return Effect.succeed(frames)
    })
  }

  get #filled(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      // What came since it was looked has woken nobody, and may have filled the inbox.
      if (this.#at < this.#frames.length) return resume(Effect.void)
      this.#taker = resume
      return Effect.sync(() => {
        this.#taker = undefined
      })
    })
  }

  #taken(bytes: number): void {
    this.#bytes -= bytes
    if (this.#at === this.#frames.length) {
      this.#frames = []
      this.#at = 0
    } else if (this.#at >= 1_024) {
      this.#frames = this.#frames.slice(this.#at)
      this.#at = 0
    }
    const reader = this.#reader
    if (reader === undefined || this.full) return
    this.#reader = undefined
    reader(Effect.void)
  }
}
