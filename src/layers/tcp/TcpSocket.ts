/**
 * An Effect `Socket` over one connection of `node:net`, for many of them: little memory, no copy, and nothing between the
 * system's bytes and who pulls them.
 *
 * While somebody waits for bytes the connection flows, and each chunk is given in the turn in which it comes; otherwise it
 * is paused, so that the peer has to wait. A write returns when the system has taken its bytes.
 */
import { Effect, Scope } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Socket from "effect/socket/Socket"
import type * as Net from "node:net"
import type { Reached } from "../../services/link/Transport.ts"

type Pulled = Effect.Effect<NonEmptyReadonlyArray<Uint8Array>, Socket.SocketError>
type Written = Effect.Effect<void, Socket.SocketError>

const closedWith = (code: number) => new Socket.SocketError({ reason: new Socket.SocketCloseError({ code }) })
// Made once: to make an error takes longer than to close a connection.
const closedByPeer = closedWith(1000)
const closedHere = closedWith(1006)
const readFailed = (cause: Error) => new Socket.SocketError({ reason: new Socket.SocketReadError({ cause }) })
const writeFailed = (cause: Error) => new Socket.SocketError({ reason: new Socket.SocketWriteError({ cause }) })

const nothing = new Uint8Array(0)
const noChunks: Array<Uint8Array> = []

/**
 * What is released with the caller's scope. Not `Effect.acquireRelease`, which keeps all services of its caller until
 * then: they take more than the rest of a connection does here.
 */
const released = <A>(acquire: () => A, release: () => void): Effect.Effect<A, never, Scope.Scope> =>
  Effect.flatMap(Effect.scope, (scope) => Effect.map(Scope.addFinalizer(scope, Effect.sync(release)), acquire))

/** One reader and one writer of a connection that is open; neither closes it. */
export class TcpSocket implements Reached {
  readonly [Socket.TypeId]: typeof Socket.TypeId = Socket.TypeId
  readonly remoteHost: string
  readonly #connection: Net.Socket
  /** What came while nobody waited for it. */
  #waiting = noChunks
  #reader: ((pulled: Pulled) => void) | undefined
  #over: Socket.SocketError | undefined

  constructor(connection: Net.Socket, remoteHost: string) {
    this.#connection = connection
    this.remoteHost = remoteHost
  }

  get reader(): Socket.Socket["reader"] {
    return released(
      () => this.#attach(),
      () => this.#detach()
    )
  }

  get writer(): Socket.Socket["writer"] {
    const writer: Socket.Writer = {
      write: (chunk) =>
        Socket.isCloseEvent(chunk) ? Effect.sync(() => void this.#connection.destroy()) : this.#write([chunk]),
      writeAll: (chunks) => this.#write(chunks)
    }
    return released(
      () => writer,
      () => {
        if (!this.#connection.writableEnded) this.#connection.end()
      }
    )
  }

  #attach(): Socket.Reader {
    const connection = this.#connection
    // What happened before anybody read is told to the first who does.
    if (connection.errored) this.#finish(readFailed(connection.errored))
    else if (connection.destroyed || connection.readableEnded) this.#finish(closedByPeer)
    connection.pause()
    connection.on("data", this.#onData)
    connection.on("end", this.#onEnd)
    connection.on("error", this.#onError)
    connection.on("close", this.#onClose)
    return { pull: this.#pull, upgrade: Socket.SocketUpgradeError.unsupported }
  }

  #detach(): void {
    const connection = this.#connection
    connection.pause()
    connection.off("data", this.#onData)
    connection.off("end", this.#onEnd)
    connection.off("error", this.#onError)
    connection.off("close", this.#onClose)
    this.#waiting = noChunks
    this.#over = closedHere
    this.#answer()
  }

  readonly #pull: Pulled = Effect.callback((resume) => {
    this.#reader = resume
    this.#answer()
    if (this.#reader !== resume) return undefined
    if (this.#connection.isPaused()) this.#connection.resume()
    return Effect.sync(() => {
      if (this.#reader === resume) this.#reader = undefined
    })
  })

  readonly #onData = (chunk: Uint8Array): void => {
    if (this.#waiting.length > 0) this.#waiting.push(chunk)
    else this.#waiting = [chunk]
    this.#answer()
    // Whoever took it may want more by now.
    if (this.#reader === undefined) this.#connection.pause()
  }

  readonly #onEnd = (): void => this.#finish(closedByPeer)
  readonly #onError = (cause: Error): void => this.#finish(readFailed(cause))
  readonly #onClose = (failed: boolean): void => this.#finish(failed ? closedHere : closedByPeer)

  #finish(error: Socket.SocketError): void {
    this.#over ??= error
    this.#answer()
  }

  /** Gives whoever waits what there is: bytes, or else the end. */
  #answer(): void {
    const reader = this.#reader
    const chunks = this.#waiting
    const [first] = chunks
    if (reader === undefined || (first === undefined && this.#over === undefined)) return
    this.#reader = undefined
    if (first === undefined) return reader(Effect.fail(this.#over!))
    this.#waiting = noChunks
    reader(Effect.succeed(chunks.length === 1 ? [first] : [first, ...chunks.slice(1)]))
  }

  #write(chunks: ReadonlyArray<Uint8Array | string>): Written {
    return Effect.callback((resume) => {
      const connection = this.#connection
      if (connection.destroyed || connection.writableEnded) {
        return resume(Effect.fail(writeFailed(connection.errored ?? new Error("the connection is closed"))))
      }
      if (chunks.length > 1) connection.cork()
      for (const chunk of chunks) connection.write(chunk)
      if (chunks.length > 1) connection.uncork()
      if (connection.writableLength === 0) return resume(Effect.void)
      // Behind everything that was written before it.
      connection.write(nothing, (error) => resume(error ? Effect.fail(writeFailed(error)) : Effect.void))
      return undefined
    })
  }
}
