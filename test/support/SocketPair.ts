/**
 * Two sockets joined in memory: what one end writes, the other end reads, in order and with back-pressure.
 *
 * Closing behaves like TCP: releasing a writer half-closes, closing a reader's scope closes the connection in an
 * orderly way after what was written, and `cut` loses what is on its way, like a reset.
 */
import { Effect, Queue } from "effect"
import * as Socket from "effect/socket/Socket"

export interface SocketPair {
  readonly left: Socket.Socket
  readonly right: Socket.Socket
  /** Breaks the connection: bytes on their way are lost, both sides fail with the cause. */
  readonly cut: Effect.Effect<void>
  /** Everything that either side wrote, one entry a write, in the order written. */
  readonly written: ReadonlyArray<readonly ["left" | "right", Uint8Array]>
}

export interface Options {
  /** Chunks that may wait in each direction before a write waits. Default 16. */
  readonly capacity?: number
  /** How a write arrives: as these chunks. Default: as one. */
  readonly arrive?: (bytes: Uint8Array) => ReadonlyArray<Uint8Array>
}

type Line = Queue.Queue<Uint8Array, Socket.SocketError>

const closed = (code: number) => new Socket.SocketError({ reason: new Socket.SocketCloseError({ code }) })
const broken = new Socket.SocketError({ reason: new Socket.SocketReadError({ cause: new Error("cut") }) })
const unwritable = new Socket.SocketError({ reason: new Socket.SocketWriteError({ cause: new Error("closed") }) })

export const make = Effect.fnUntraced(function* (options?: Options) {
  const line = Queue.make<Uint8Array, Socket.SocketError>({ capacity: options?.capacity ?? 16 })
  const toRight: Line = yield* line
  const toLeft: Line = yield* line
  const written: Array<readonly ["left" | "right", Uint8Array]> = []
  const arrive = options?.arrive ?? ((bytes) => [bytes])

  const end = (name: "left" | "right", incoming: Line, outgoing: Line): Socket.Socket => {
    const write = Effect.fnUntraced(function* (bytes: Uint8Array) {
      const copy = Uint8Array.from(bytes)
      written.push([name, copy])
      for (const chunk of arrive(copy)) {
        if (!(yield* Queue.offer(outgoing, chunk))) return yield* unwritable
      }
    })
    const hangUp = Queue.fail(outgoing, closed(1000))
    const binary = (chunk: Uint8Array | string | Socket.CloseEvent): Effect.Effect<void, Socket.SocketError> =>
      chunk instanceof Uint8Array ? write(chunk) : Effect.die(new Error("only bytes are written here"))
    return Socket.make({
      reader: Effect.acquireRelease(
        Effect.succeed({ pull: Queue.takeAll(incoming), upgrade: Socket.SocketUpgradeError.unsupported }),
        () =>
          Effect.gen(function* () {
            yield* hangUp
            yield* Queue.fail(incoming, closed(1006))
          })
      ),
      writer: Effect.acquireRelease(
        Effect.succeed({
          write: binary,
          writeAll: (chunks: ReadonlyArray<Uint8Array | string>) => Effect.forEach(chunks, binary, { discard: true })
        }),
        () => hangUp
      )
    })
  }

  const lose = (queue: Line) =>
    Effect.gen(function* () {
      yield* Effect.ignore(Queue.clear(queue))
      yield* Queue.fail(queue, broken)
    })

  const pair: SocketPair = {
    left: end("left", toLeft, toRight),
    right: end("right", toRight, toLeft),
    cut: Effect.andThen(lose(toRight), lose(toLeft)),
    written
  }
  return pair
})
