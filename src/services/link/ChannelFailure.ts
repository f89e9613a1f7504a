/**
 * How a secure channel fails: no handshake, a record that does not open, or the socket beneath it.
 */
import { Schema } from "effect"
import type * as Socket from "effect/socket/Socket"
import { NoiseFailed } from "../../protocol/link/NoiseFailed.ts"
import { RecordFailed } from "../../protocol/link/RecordFailed.ts"

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

/** A close that the peer meant, as far as a socket can tell. */
export const isEnd = ({ reason }: Socket.SocketError): boolean =>
  reason._tag === "SocketCloseError" && reason.code === 1000

export const socketLost = (error: Socket.SocketError): SocketLost => {
  const { reason } = error
  if (reason._tag === "SocketCloseError")
    return new SocketLost({ detail: `closed with code ${reason.code}`, cause: error })
  return new SocketLost({ detail: reason.cause instanceof Error ? reason.cause.message : reason.message, cause: error })
}
