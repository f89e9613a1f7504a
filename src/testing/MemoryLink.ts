/**
 * One connection of a `MemoryNetwork`: two ends, each with bytes on their way to it, behaving as TCP does.
 *
 * Bytes keep their order, and a writer waits once as many are under way as the link holds. Releasing a writer
 * half-closes; closing a reader's scope closes the end after what it wrote, and what still comes for it is thrown away.
 * `reset` loses what is on its way and fails both ends. `cut` is a pulled cable: nothing passes any more, not even the
 * news of an end, until `heal`, and what waits then is not lost.
 */
import { Effect, Latch } from "effect"
import * as Socket from "effect/socket/Socket"

const closed = (code: number) => new Socket.SocketError({ reason: new Socket.SocketCloseError({ code }) })
const wasReset = new Socket.SocketError({ reason: new Socket.SocketReadError({ cause: new Error("reset by peer") }) })
const unwritable = (why: string) =>
  new Socket.SocketError({ reason: new Socket.SocketWriteError({ cause: new Error(why) }) })

type Chunks = [Uint8Array, ...Array<Uint8Array>]

/** One direction: what has been written and not been read yet. */
class Lane {
  readonly #capacity: number
  #chunks: Array<Uint8Array> = []
  #bytes = 0
  /** The writer has ended. */
  finished = false
  /** The reader is gone: what is written is thrown away. */
  unread = false
  held = false
  carried = 0
  #broken = false
  readonly #readable = Latch.makeUnsafe(false)
  readonly #writable = Latch.makeUnsafe(true)

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  readonly pull: Effect.Effect<Chunks, Socket.SocketError> = Effect.suspend(() => {
    if (this.unread) return Effect.fail(closed(1006))
    if (this.#broken) return Effect.fail(wasReset)
    const [first, ...rest] = this.#chunks
    if (!this.held && first !== undefined) {
      this.#chunks = []
      this.carried += this.#bytes
      this.#bytes = 0
      return Effect.as(this.#writable.open, [first, ...rest])
    }
    if (!this.held && this.finished) return Effect.fail(closed(1000))
    this.#readable.closeUnsafe()
    return Effect.andThen(this.#readable.await, this.pull)
  })

  write(bytes: Uint8Array): Effect.Effect<void, Socket.SocketError> {
    return Effect.suspend(() => {
      if (this.#broken) return Effect.fail(unwritable("reset by peer"))
      if (this.finished) return Effect.fail(unwritable("written after the end"))
      if (this.unread || bytes.length === 0) return Effect.void
      // A copy: the writer may use its buffer again.
      this.#chunks.push(Uint8Array.from(bytes))
      this.#bytes += bytes.length
      if (this.#bytes >= this.#capacity) this.#writable.closeUnsafe()
      return Effect.andThen(this.#readable.open, this.#drained)
    })
  }

  readonly #drained: Effect.Effect<void, Socket.SocketError> = Effect.suspend(() =>
    Effect.andThen(
      this.#writable.await,
      Effect.suspend(() => (this.#broken ? Effect.fail(unwritable("reset by peer")) : Effect.void))
    )
  )

  get over(): boolean {
    return this.#broken || (this.finished && this.unread)
  }

  finish(): void {
    this.finished = true
    this.#readable.openUnsafe()
  }

  abandon(): void {
    this.unread = true
    this.#chunks = []
    this.#bytes = 0
    this.#readable.openUnsafe()
    this.#writable.openUnsafe()
  }

  break(): void {
    this.#broken = true
    this.#chunks = []
    this.#bytes = 0
    this.#readable.openUnsafe()
    this.#writable.openUnsafe()
  }

  hold(held: boolean): void {
    this.held = held
    if (!held) this.#readable.openUnsafe()
  }
}

/** One end: the lane that it reads and the lane that it writes. */
export interface End {
  readonly socket: Socket.Socket
  /** Closes both directions after what was written. */
  readonly close: () => void
}

const endOf = (incoming: Lane, outgoing: Lane): End => {
  const close = () => {
    outgoing.finish()
    incoming.abandon()
  }
  const write = (chunk: Uint8Array | string | Socket.CloseEvent) =>
    chunk instanceof Uint8Array ? outgoing.write(chunk) : Effect.die(new Error("only bytes are written here"))
  const socket = Socket.make({
    reader: Effect.acquireRelease(
      Effect.succeed({ pull: incoming.pull, upgrade: Socket.SocketUpgradeError.unsupported }),
      () => Effect.sync(close)
    ),
    writer: Effect.acquireRelease(
      Effect.succeed({
        write,
        writeAll: (chunks: ReadonlyArray<Uint8Array | string>) => Effect.forEach(chunks, write, { discard: true })
      }),
      () => Effect.sync(() => outgoing.finish())
    )
  })
  return { socket, close }
}

export interface Where {
  readonly host: string
  readonly port: number
}

export class MemoryLink {
  /** The end that dialled. */
  readonly from: Where
  /** The end that was dialled. */
  readonly to: Where
  readonly dialler: End
  readonly listener: End
  readonly #lanes: readonly [Lane, Lane]

  constructor(from: Where, to: Where, capacity: number) {
    this.from = from
    this.to = to
    const there = new Lane(capacity)
    const back = new Lane(capacity)
    this.#lanes = [there, back]
    this.dialler = endOf(back, there)
    this.listener = endOf(there, back)
  }

  /** Whether an end is still open, as far as that end knows. */
  get open(): boolean {
    return this.#lanes.some((lane) => !lane.over)
  }

  /** Bytes that have been read at either end. */
  get bytes(): number {
    return this.#lanes[0].carried + this.#lanes[1].carried
  }

  readonly reset = (): void => {
    for (const lane of this.#lanes) lane.break()
  }

  readonly cut = (): void => {
    for (const lane of this.#lanes) lane.hold(true)
  }

  readonly heal = (): void => {
    for (const lane of this.#lanes) lane.hold(false)
  }
}
