/**
 * A secure channel after its handshake: opens what the socket brings and seals what is written to it.
 */
import { Effect, Exit, Scope } from "effect"
import type * as Socket from "effect/socket/Socket"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { BufferPool } from "../../protocol/link/BufferPool.ts"
import { Pieces } from "../../protocol/link/Pieces.ts"
import * as Record from "../../protocol/link/Record.ts"
import { ChannelClosed, ChannelFailed, isEnd, socketLost, WritingEnded } from "./ChannelFailure.ts"

export interface Options extends Record.Options {
  readonly pull: Socket.Reader["pull"]
  readonly writer: Socket.Writer
  /** Closing it half-closes the socket. */
  readonly writeScope: Scope.Closeable
  readonly rxKey: Uint8Array
  readonly txKey: Uint8Array
  /** Chunks that came with the end of the handshake. */
  readonly early: ReadonlyArray<Uint8Array>
  /** What still has to be sent of the handshake, before the first record. */
  readonly last?: Uint8Array | undefined
}

/** What one write to the socket carries at the most. */
const written = new BufferPool(Record.sealedSize(256 * 1024), 16)

// Made once: to make an error takes longer than to close a connection.
const closed = new ChannelClosed({})
const nothing: ReadonlyArray<Uint8Array> = []
/**
 * More records than this that come together are a turn of their own: to open one takes time, however little is in it, and
 * whoever takes the contents does not see how many there were.
 */
const crowd = 512

export class SecureChannel {
  /** The node at the other end, by the key that it proved. */
  readonly peer: NodeKey
  readonly #pull: Socket.Reader["pull"]
  readonly #writer: Socket.Writer
  readonly #writeScope: Scope.Closeable
  readonly #opener: Record.Opener
  readonly #sealer: Record.Sealer
  #early: ReadonlyArray<Uint8Array>
  #last: Uint8Array | undefined
  #failed: ChannelClosed | ChannelFailed | undefined
  /** Set while a sealed record is on its way. If it is set when the next write begins, that record may be missing. */
  #unfinished = false
  #ended = false
  /** So many records came last that all others have their turn before the next. */
  #crowded = false

  constructor(peer: NodeKey, options: Options) {
    this.peer = peer
    this.#pull = options.pull
    this.#writer = options.writer
    this.#writeScope = options.writeScope
    this.#opener = new Record.Opener(options.rxKey, options)
    this.#sealer = new Record.Sealer(options.txKey, options)
    this.#early = options.early
    this.#last = options.last
  }

  /**
   * Waits for bytes of the peer and gives them to `take`, in order, as its own. May give nothing. What arrived before a failure is given first; after it every pull fails alike. One reader at a time, and
   * not to be raced: an interrupted pull may lose bytes, and then the next record does not open.
   */
  pull(take: Record.Take): Effect.Effect<void, ChannelClosed | ChannelFailed> {
    const more = Effect.matchEffect(this.#pull, {
      onFailure: (error) => Effect.fail(this.#over(error)),
      onSuccess: (chunks) => this.#open(chunks, take)
    })
    const moreInNextTurn = Effect.andThen(Effect.yieldNow, more)
    return Effect.suspend(() => {
      if (this.#failed !== undefined) return Effect.fail(this.#failed)
      if (this.#early.length === 0) return this.#crowded ? moreInNextTurn : more
      const early = this.#early
      this.#early = nothing
      return this.#open(early, take)
    })
  }

  #open(chunks: ReadonlyArray<Uint8Array | string>, take: Record.Take): Effect.Effect<void> {
    const before = this.#opener.records
    for (let i = 0; i < chunks.length && this.#failed === undefined; i++) {
      const chunk = chunks[i]!
      if (typeof chunk === "string") return Effect.die(new Error("a transport brings bytes, not text"))
      const reason = this.#opener.feed(chunk, take)
      if (reason !== undefined) this.#failed = new ChannelFailed({ reason })
    }
    this.#crowded = this.#opener.records - before > crowd
    return Effect.void
  }

  #over(error: Socket.SocketError): ChannelClosed | ChannelFailed {
    const truncated = this.#opener.end()
    if (!isEnd(error)) this.#failed = new ChannelFailed({ reason: socketLost(error) })
    else this.#failed = truncated === undefined ? closed : new ChannelFailed({ reason: truncated })
    return this.#failed
  }

  /**
   * Seals all the bytes into as few records as possible and gives them to the socket; returns when the socket has taken
   * them. One writer at a time. A call that fails or is interrupted ends the writing side, since the peer could not open
   * what followed a missing record.
   */
  write(chunks: ReadonlyArray<Uint8Array>): Effect.Effect<void, ChannelFailed> {
    return Effect.suspend(() => {
      if (this.#ended || this.#unfinished) {
        return Effect.fail(new ChannelFailed({ reason: new WritingEnded({ interrupted: this.#unfinished }) }))
      }
      const pieces = new Pieces(chunks)
      if (pieces.left === 0) return Effect.void
      this.#unfinished = true
      return this.#writeAll(pieces)
    })
  }

  #writeAll(pieces: Pieces): Effect.Effect<void, ChannelFailed> {
    const before = this.#last?.length ?? 0
    const room = written.take(Math.min(written.size, before + Record.sealedSize(pieces.left)))
    if (this.#last !== undefined) room.set(this.#last)
    this.#last = undefined
    const size = before + this.#sealer.sealInto(before === 0 ? room : room.subarray(before), pieces)
    return Effect.matchEffect(this.#writer.write(size === room.length ? room : room.subarray(0, size)), {
      // The socket may still look at the bytes: the room is not used again.
      onFailure: (error) => Effect.fail(new ChannelFailed({ reason: socketLost(error) })),
      onSuccess: () => {
        written.giveBack(room)
        // Others have their turn first: what a socket takes at once is no measure.
        if (pieces.left > 0) return Effect.flatMap(Effect.yieldNow, () => this.#writeAll(pieces))
        this.#unfinished = false
        return Effect.void
      }
    })
  }

  /** Closes the writing side after what was written; the reading side stays as it is. */
  get end(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const last = this.#last
      this.#ended = true
      this.#last = undefined
      const told = last === undefined ? Effect.void : Effect.ignore(this.#writer.write(last))
      return Effect.andThen(told, Scope.close(this.#writeScope, Exit.void))
    })
  }
}
