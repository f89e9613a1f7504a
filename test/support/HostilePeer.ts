/**
 * A peer that says what a test wants: the real secure channel, and above it whatever bytes. It answers nothing by
 * itself, not even a ping.
 */
import { Effect, Exit, Layer, Queue, Schema, Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import * as Socket from "effect/socket/Socket"
import * as IdentityMemory from "../../src/layers/IdentityMemory.ts"
import type { Endpoint } from "../../src/protocol/Address.ts"
import type * as DeliveryFrame from "../../src/protocol/delivery/DeliveryFrame.ts"
import * as Frame from "../../src/protocol/link/Frame.ts"
import * as LinkMessage from "../../src/protocol/link/LinkMessage.ts"
import type { NodeKey } from "../../src/protocol/NodeKey.ts"
import * as Handshaking from "../../src/services/link/Handshaking.ts"
import type { SecureChannel } from "../../src/services/link/SecureChannel.ts"
import type { Accepted, Transport } from "../../src/services/link/Transport.ts"

/** How the other side ended the connection: its last word if it had one, and what became of the channel. */
export interface Farewell {
  readonly word: LinkMessage.LinkMessage | undefined
  readonly end: "ChannelClosed" | "ChannelFailed"
}

export interface HostilePeer {
  readonly peer: NodeKey
  readonly send: (kind: number, body?: Uint8Array) => Effect.Effect<void>
  readonly sendBytes: (bytes: Uint8Array) => Effect.Effect<void>
  readonly hello: (change?: Partial<LinkMessage.Hello>) => Effect.Effect<void>
  /** The next frame of this kind; those of other kinds before it are skipped. */
  readonly take: (kind: number) => Effect.Effect<Frame.Frame, FrameMissing>
  /** Reads to the end. */
  readonly farewell: Effect.Effect<Farewell>
  /** Ends the writing side. */
  readonly end: Effect.Effect<void>
}

/** The connection ended before the frame that a test waited for. */
export class FrameMissing extends Schema.TaggedError<FrameMissing>()("FrameMissing", {
  kind: Schema.Int,
  instead: Schema.Array(Schema.Int)
}) {
  override get message(): string {
    return `the connection ended without a frame of kind ${this.kind}; there were ${this.instead.join(", ") || "none"}`
  }
}

export const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`

/** A HELLO that a node of the network "test" takes. */
export const greeting: LinkMessage.Hello = {
  network: "test",
  instance: uuid(901),
  database: uuid(902),
  incarnation: 1n,
  versions: { min: Frame.version, max: Frame.version },
  knows: 0n,
  holds: false,
  agent: "hostile",
  protocols: []
}

/** A RESUME of a peer that has sent and received nothing yet. */
export const resuming: DeliveryFrame.Resume = {
  sending: { stream: uuid(950), last: 0n, receipted: 0n },
  received: { stream: null, position: 0n, seen: 0n },
  answers: []
}

const lastWords: ReadonlySet<number> = new Set([Frame.Kind.Reject, Frame.Kind.Goodbye])

const wordOf = (frames: ReadonlyArray<Frame.Frame>): LinkMessage.LinkMessage | undefined => {
  const last = frames.findLast(({ kind }) => lastWords.has(kind))
  const decoded = last === undefined ? undefined : LinkMessage.decode(last.kind, last.body)
  return decoded?._tag === "Success" ? decoded.success : undefined
}

const mangled = (socket: Socket.Socket, mangle: (bytes: Uint8Array) => Uint8Array): Socket.Socket =>
  Socket.make({
    reader: socket.reader,
    writer: Effect.map(socket.writer, ({ write, writeAll }) => ({
      write: (chunk) => write(chunk instanceof Uint8Array ? mangle(chunk) : chunk),
      writeAll
    }))
  })

/** A channel with whoever listens at `endpoint`, as the node of `seed`; closed with the scope. */
export const dial = Effect.fnUntraced(function* (
  transport: Transport["Service"],
  endpoint: Endpoint,
  options: {
    readonly seed: Uint8Array
    readonly expected?: NodeKey
    /** What becomes of the bytes of the channel on their way out. */
    readonly mangle?: (bytes: Uint8Array) => Uint8Array
  }
) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const dialled = yield* Scope.provide(transport.dial(endpoint), scope)
  const socket = options.mangle === undefined ? dialled : mangled(dialled, options.mangle)
  const channel = yield* Handshaking.initiate(socket, { expected: options.expected }).pipe(
    Effect.provide(Layer.merge(IdentityMemory.layerFromSeed(options.seed), SecureRandom.layerWebCrypto)),
    Scope.provide(scope)
  )
  return over(channel, scope)
})

/** Those who dial `endpoint` of this transport, one after the other, let in by the node of `seed`; listens until the scope closes. */
export const listen = Effect.fnUntraced(function* (
  transport: Transport["Service"],
  endpoint: Endpoint,
  seed: Uint8Array
) {
  const visitors = yield* Queue.unbounded<HostilePeer>()
  const listener = yield* Effect.orDie(transport.listen(endpoint))
  const welcome = ({ socket }: Accepted) =>
    Effect.gen(function* () {
      const scope = yield* Scope.fork(yield* Effect.scope)
      const channel = yield* Scope.provide(Handshaking.accept(socket), scope)
      yield* Queue.offer(visitors, over(channel, scope))
      return yield* Effect.never
    }).pipe(
      Effect.provide(Layer.merge(IdentityMemory.layerFromSeed(seed), SecureRandom.layerWebCrypto)),
      Effect.scoped,
      Effect.ignore
    )
  yield* Effect.forkScoped(listener.run(welcome), { startImmediately: true })
  return { next: Queue.take(visitors) }
})

const over = (channel: SecureChannel, scope: Scope.Closeable): HostilePeer => {
  const decoder = new Frame.Decoder(Frame.maxOnSession)
  const waiting: Array<Frame.Frame> = []
  const seen: Array<Frame.Frame> = []
  let end: Farewell["end"] | undefined

  const take = (piece: Uint8Array): void => {
    const frames: Array<Frame.Frame> = []
    decoder.feed(piece, frames)
    waiting.push(...frames)
    seen.push(...frames)
  }

  /** More frames, or the news of the end. */
  const more = Effect.suspend(() =>
    end !== undefined
      ? Effect.void
      : Effect.catch(channel.pull(take), (error) =>
          Effect.sync(() => {
            end = error._tag
          })
        )
  )

  const sendBytes = (bytes: Uint8Array) => Effect.ignore(channel.write([bytes]))
  const hostile: HostilePeer = {
    peer: channel.peer,
    send: (kind, body = new Uint8Array(0)) => sendBytes(Frame.encode(kind, body)),
    sendBytes,
    hello: (change) => sendBytes(Frame.encode(Frame.Kind.Hello, LinkMessage.hello.encode({ ...greeting, ...change }))),
    take: (kind) =>
      Effect.gen(function* () {
        while (true) {
          const frame = waiting.shift()
          if (frame?.kind === kind) return frame
          if (frame !== undefined) continue
          if (end !== undefined) return yield* new FrameMissing({ kind, instead: seen.map((it) => it.kind) })
          yield* more
        }
      }),
    farewell: Effect.gen(function* () {
      while (end === undefined) yield* more
      // As a real peer does.
      yield* Scope.close(scope, Exit.void)
      return { word: wordOf(seen), end }
    }),
    end: channel.end
  }
  return hostile
}
