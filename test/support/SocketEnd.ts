/** One end of a connection in the hands of a test. */
import { assert } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import * as Socket from "effect/socket/Socket"

/** An end of an established connection, in a scope of its own. */
export interface End {
  readonly pull: Effect.Effect<ReadonlyArray<Uint8Array>, Socket.SocketError>
  readonly write: (bytes: Uint8Array) => Effect.Effect<void, Socket.SocketError>
  readonly writeAll: Socket.Writer["writeAll"]
  readonly endWriting: Effect.Effect<void>
  readonly close: Effect.Effect<void>
}

/** Reads and writes a socket, until the scope closes or the end is closed. */
export const use = Effect.fnUntraced(function* (socket: Socket.Socket, scope: Scope.Closeable) {
  const pull = yield* Scope.provide(Socket.readerBytes(socket), scope)
  const writing = yield* Scope.fork(scope)
  const writer = yield* Scope.provide(socket.writer, writing)
  const end: End = {
    pull,
    write: writer.write,
    writeAll: writer.writeAll,
    endWriting: Scope.close(writing, Exit.void),
    close: Scope.close(scope, Exit.void)
  }
  return end
})

/** Some bytes that differ from their neighbours. */
export const bytes = (length: number, seed = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 255)

/** Reads `size` bytes. */
export const read = Effect.fnUntraced(function* (end: End, size: number) {
  const chunks: Array<Uint8Array> = []
  for (let have = 0; have < size;) {
    for (const chunk of yield* end.pull) {
      chunks.push(chunk)
      have += chunk.length
    }
  }
  return Uint8Array.from(Buffer.concat(chunks))
})

const reasonOf = ({ reason }: Socket.SocketError): number | string =>
  reason._tag === "SocketCloseError" ? reason.code : reason._tag

/** Reads until there is no more: what came, and why it ended. */
export const readAll = Effect.fnUntraced(function* (end: End) {
  const chunks: Array<Uint8Array> = []
  const error = yield* Effect.flip(Effect.forever(Effect.map(end.pull, (got) => void chunks.push(...got))))
  const bytes: Uint8Array = Uint8Array.from(Buffer.concat(chunks))
  return { bytes, end: reasonOf(error) }
})

/** Why the next pull, and every one after it, fails. */
export const failure = Effect.fnUntraced(function* (end: End) {
  const first = reasonOf(yield* Effect.flip(end.pull))
  assert.strictEqual(reasonOf(yield* Effect.flip(end.pull)), first)
  return first
})
