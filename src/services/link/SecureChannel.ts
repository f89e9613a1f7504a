/**
 * A socket made private: the Noise handshake over it, then records in both directions.
 *
 * Everything lives in the caller's scope, which closes the socket. There is no time-out here: a peer that says nothing
 * is the caller's to give up. The one thing that the dialled side must mind: after IK the peer is proven only by the
 * first record that opens, since its handshake message may be a replay, so nothing is decided before that.
 */
import { type Array as Arr, Effect, Exit, Schema, Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import * as Socket from "effect/socket/Socket"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { BufferPool } from "../../protocol/link/BufferPool.ts"
import * as Noise from "../../protocol/link/Noise.ts"
import { NoiseFailed } from "../../protocol/link/NoiseFailed.ts"
import { Pieces } from "../../protocol/link/Pieces.ts"
import * as Record from "../../protocol/link/Record.ts"
import { RecordFailed } from "../../protocol/link/RecordFailed.ts"
import { none, type Points } from "../Buggify.ts"
import { Identity } from "./Identity.ts"

export interface SecureChannel {
  /** The node at the other end, by the key that it proved. */
  readonly peer: NodeKey
  /**
   * Waits for bytes of the peer and gives them to `take`, in order, in pieces that are there until it returns. May give
   * nothing. What arrived before a failure is given first; after it every pull fails alike. One reader at a time, and
   * not to be raced: an interrupted pull may lose bytes, and then the next record does not open.
   */
  readonly pull: (take: Record.Take) => Effect.Effect<void, ChannelClosed | ChannelFailed>
  /**
   * Seals all the bytes into as few records as possible and gives them to the socket; returns when the socket has taken
   * them. One writer at a time. A call that fails or is interrupted ends the writing side, since the peer could not open
   * what followed a missing record.
   */
  readonly write: (chunks: ReadonlyArray<Uint8Array>) => Effect.Effect<void, ChannelFailed>
  /** Closes the writing side after what was written; the reading side stays as it is. */
  readonly end: Effect.Effect<void>
}

/** The peer closed the connection before the handshake was done. */
export class HandshakeCutShort extends Schema.TaggedError<HandshakeCutShort>()("HandshakeCutShort", {
  /** Bytes that the peer had sent. */
  received: Schema.Natural
}) {
  readonly isRetryable = true
  override get message(): string {
    return `the peer closed the connection during the handshake, after ${this.received} bytes`
  }
}

/** The socket failed beneath the channel. */
export class SocketLost extends Schema.TaggedError<SocketLost>()("SocketLost", {
  detail: Schema.String,
  cause: Schema.optional(Schema.Defect())
}) {
  readonly isRetryable = true
  override get message(): string {
    return `the connection was lost: ${this.detail}`
  }
}

/** An earlier write did not finish, or the writing side was closed: nothing more can be written. */
export class WritingEnded extends Schema.TaggedError<WritingEnded>()("WritingEnded", {
  interrupted: Schema.Boolean
}) {
  readonly isRetryable = true
  override get message(): string {
    return this.interrupted ? "an earlier write did not finish" : "the writing side was closed"
  }
}

/** No secure channel came of the socket. `reason` says why, and whether the same dial may work later. */
export class HandshakeFailed extends Schema.TaggedError<HandshakeFailed>()("HandshakeFailed", {
  reason: Schema.Union([...NoiseFailed.members, HandshakeCutShort, SocketLost])
}) {
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
  override get message(): string {
    return this.reason.message
  }
}

/**
 * The peer ended its input between two records. That proves nothing: anybody on the path can end a TCP connection, and
 * a reset may look like this. Only a goodbye in a frame is the peer's own word.
 */
export class ChannelClosed extends Schema.TaggedError<ChannelClosed>()("ChannelClosed", {}) {
  readonly isRetryable = true
  override get message(): string {
    return "the peer closed the connection"
  }
}

/** The channel broke: a record that does not open, an end inside a record, or the socket. */
export class ChannelFailed extends Schema.TaggedError<ChannelFailed>()("ChannelFailed", {
  reason: Schema.Union([...RecordFailed.members, SocketLost, WritingEnded])
}) {
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
  override get message(): string {
    return this.reason.message
  }
}

export type Options = Record.Options & { readonly points?: Points | undefined }

type Requirements = Identity | SecureRandom.SecureRandom | Scope.Scope

/** As the side that dialled. With `expected`, which is the usual case, only the node with that key will do. */
export const initiate: (
  socket: Socket.Socket,
  options?: Options & { readonly expected?: NodeKey | undefined }
) => Effect.Effect<SecureChannel, HandshakeFailed, Requirements> = Effect.fn("SecureChannel.initiate")(
  function* (socket, options) {
    return yield* establish(socket, Noise.initiator(yield* self, options?.expected), options)
  }
)

/** As the side that was dialled. See the module's remark on when the peer is proven. */
export const accept: (
  socket: Socket.Socket,
  options?: Options
) => Effect.Effect<SecureChannel, HandshakeFailed, Requirements> = Effect.fn("SecureChannel.accept")(
  function* (socket, options) {
    return yield* establish(socket, Noise.responder(yield* self), options)
  }
)

const self = Effect.gen(function* () {
  const identity = yield* Identity
  const random = yield* SecureRandom.SecureRandom
  return { key: identity.key, linkKeys: identity.linkKeys, ephemeral: yield* random.randomBytes(32) }
})

/** A close that the peer meant, as far as a socket can tell. */
const isEnd = ({ reason }: Socket.SocketError): boolean => reason._tag === "SocketCloseError" && reason.code === 1000

const socketLost = (error: Socket.SocketError): SocketLost => {
  const { reason } = error
  if (reason._tag === "SocketCloseError")
    return new SocketLost({ detail: `closed with code ${reason.code}`, cause: error })
  return new SocketLost({ detail: reason.cause instanceof Error ? reason.cause.message : reason.message, cause: error })
}

const establish = Effect.fnUntraced(function* (socket: Socket.Socket, machine: Noise.Noise, options?: Options) {
  const scope = yield* Effect.scope
  const lost = (error: Socket.SocketError) => new HandshakeFailed({ reason: socketLost(error) })
  const pull = yield* Effect.mapError(Socket.readerBytes(socket), lost)
  // The writer has a scope of its own, so that closing it half-closes the socket.
  const writeScope = yield* Scope.fork(scope)
  const writer = yield* Scope.provide(socket.writer, writeScope)

  const points = options?.points ?? none
  let received = 0
  let waiting: ReadonlyArray<Uint8Array> = []
  let step = machine.start()
  while (true) {
    for (const bytes of step.send) {
      yield* points.pass("link.handshake-before-written")
      const sent = Effect.mapError(writer.write(bytes), lost)
      // Telling the peer why is a courtesy; that it failed must not hide what did.
      yield* step.error === undefined ? sent : Effect.ignore(sent)
    }
    if (step.error !== undefined) return yield* new HandshakeFailed({ reason: step.error })
    if (step.done !== undefined) break
    if (waiting.length === 0) {
      waiting = yield* Effect.mapError(pull, (error) =>
        isEnd(error) ? new HandshakeFailed({ reason: new HandshakeCutShort({ received }) }) : lost(error)
      )
    }
    const chunk = waiting[0]!
    received += chunk.length
    waiting = waiting.slice(1)
    step = machine.feed(chunk)
  }
  const { peer, rest, rxKey, txKey } = step.done
  const early = rest.length === 0 ? waiting : [rest, ...waiting]
  return {
    peer,
    pull: reading(pull, new Record.Opener(rxKey, options), early),
    ...writing(writer, writeScope, new Record.Sealer(txKey, options))
  }
})

/** Opens what the socket brings, beginning with the chunks that came with the end of the handshake. */
const reading = (
  pull: Effect.Effect<Arr.NonEmptyReadonlyArray<Uint8Array>, Socket.SocketError>,
  opener: Record.Opener,
  early: ReadonlyArray<Uint8Array>
): SecureChannel["pull"] => {
  let failed: ChannelClosed | ChannelFailed | undefined
  let first: ReadonlyArray<Uint8Array> = early

  const socketFailed = (error: Socket.SocketError): ChannelClosed | ChannelFailed => {
    const truncated = opener.end()
    if (!isEnd(error)) failed = new ChannelFailed({ reason: socketLost(error) })
    else failed = truncated === undefined ? new ChannelClosed({}) : new ChannelFailed({ reason: truncated })
    return failed
  }
  return (take) => {
    const open = (chunks: ReadonlyArray<Uint8Array>): void => {
      for (let i = 0; i < chunks.length && failed === undefined; i++) {
        const reason = opener.feed(chunks[i]!, take)
        if (reason !== undefined) failed = new ChannelFailed({ reason })
      }
    }
    const more = Effect.map(Effect.mapError(pull, socketFailed), open)
    return Effect.suspend(() => {
      if (failed !== undefined) return Effect.fail(failed)
      if (first.length === 0) return more
      open(first)
      first = []
      return Effect.void
    })
  }
}

/** What one write to the socket carries at the most: four full records. */
const written = new BufferPool(Record.sealedSize(4 * Record.maxPlaintext), 16)

const writing = (
  writer: Socket.Writer,
  writeScope: Scope.Closeable,
  sealer: Record.Sealer
): Pick<SecureChannel, "write" | "end"> => {
  // Set while a sealed record is on its way. If it is still set when the next write begins, that record may be missing.
  let unfinished = false
  let closed = false
  const lost = (error: Socket.SocketError) => new ChannelFailed({ reason: socketLost(error) })

  const writeAll = (pieces: Pieces): Effect.Effect<void, ChannelFailed> => {
    const room = written.take(Math.min(written.size, Record.sealedSize(pieces.left)))
    const sealed = sealer.sealInto(room, pieces)
    // On any other way out the socket may still look at the bytes.
    const taken = Effect.mapError(writer.write(room.subarray(0, sealed)), lost)
    return Effect.flatMap(taken, () => {
      written.giveBack(room)
      return pieces.left === 0 ? Effect.void : writeAll(pieces)
    })
  }
  return {
    write: (chunks) =>
      Effect.suspend(() => {
        if (closed || unfinished) {
          return Effect.fail(new ChannelFailed({ reason: new WritingEnded({ interrupted: unfinished }) }))
        }
        const pieces = new Pieces(chunks)
        if (pieces.left === 0) return Effect.void
        unfinished = true
        return Effect.map(writeAll(pieces), () => {
          unfinished = false
        })
      }),
    end: Effect.suspend(() => {
      closed = true
      return Scope.close(writeScope, Exit.void)
    })
  }
}
