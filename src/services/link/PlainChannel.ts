/**
 * A socket as it is: the channel of wires that neither encrypt nor prove who is there.
 */
import { Effect, Exit, Scope } from "effect"
import type * as Socket from "effect/socket/Socket"
import { ChannelClosed, ChannelFailed, isEnd, socketLost, WritingEnded } from "./ChannelFailure.ts"
import type { Channel } from "./Wire.ts"

type Failure = ChannelClosed | ChannelFailed

const over = (error: Socket.SocketError): Failure =>
  isEnd(error) ? new ChannelClosed({}) : new ChannelFailed({ reason: socketLost(error) })

const lost = (error: Socket.SocketError): ChannelFailed => new ChannelFailed({ reason: socketLost(error) })

export class PlainChannel implements Channel<Failure> {
  readonly #reader: Socket.Reader["pull"]
  readonly #writer: Socket.Writer
  /** Closing it half-closes the socket. */
  readonly #writeScope: Scope.Closeable
  #ended = false

  constructor(reader: Socket.Reader["pull"], writer: Socket.Writer, writeScope: Scope.Closeable) {
    this.#reader = reader
    this.#writer = writer
    this.#writeScope = writeScope
  }

  pull(take: (piece: Uint8Array) => void): Effect.Effect<void, Failure> {
    return Effect.matchEffect(this.#reader, {
      onFailure: (error) => Effect.fail(over(error)),
      onSuccess: (chunks) => {
        for (const chunk of chunks) {
          if (typeof chunk === "string") return Effect.die(new Error("a transport brings bytes, not text"))
          take(chunk)
        }
        return Effect.void
      }
    })
  }

  write(chunks: ReadonlyArray<Uint8Array>): Effect.Effect<void, ChannelFailed> {
    return Effect.suspend(() => {
      if (this.#ended) return Effect.fail(new ChannelFailed({ reason: new WritingEnded({ interrupted: false }) }))
      const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
      return bytes.length === 0 ? Effect.void : Effect.mapError(this.#writer.write(bytes), lost)
    })
  }

  get end(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#ended = true
      return Scope.close(this.#writeScope, Exit.void)
    })
  }
}

/** Takes the socket, which is closed with the scope. */
export const open = Effect.fnUntraced(function* (socket: Socket.Socket) {
  const scope = yield* Effect.scope
  const { pull } = yield* Effect.mapError(Scope.provide(socket.reader, scope), lost)
  const writeScope = yield* Scope.fork(scope)
  const writer = yield* Scope.provide(socket.writer, writeScope)
  return new PlainChannel(pull, writer, writeScope)
})
