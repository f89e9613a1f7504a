/**
 * A socket made private: the Noise handshake over it, then records in both directions.
 *
 * Everything lives in the caller's scope, which closes the socket. There is no time-out here: a peer that says nothing
 * is the caller's to give up. The one thing that the dialled side must mind: after IK the peer is proven only by the
 * first record that opens, since its handshake message may be a replay, so nothing is decided before that.
 */
import { Effect, Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import type * as Socket from "effect/socket/Socket"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import * as Noise from "../../protocol/link/Noise.ts"
import * as Record from "../../protocol/link/Record.ts"
import { none, type Points } from "../Buggify.ts"
import { HandshakeCutShort, HandshakeFailed, isEnd, socketLost } from "./ChannelFailure.ts"
import { Identity } from "./Identity.ts"
import { SecureChannel } from "./SecureChannel.ts"

export interface Options extends Record.Options {
  readonly points?: Points | undefined
  /** The caller writes at once: the last message of the handshake goes with what it writes first. */
  readonly writesAtOnce?: boolean | undefined
}

type Established = Effect.Effect<SecureChannel, HandshakeFailed, Scope.Scope>

export interface Dialling extends Options {
  /** The usual case: only the node with that key will do. */
  readonly expected?: NodeKey | undefined
}

/** The handshakes of one node. */
export interface Handshakes {
  /** As the side that dialled. */
  readonly initiate: (socket: Socket.Socket, options?: Dialling) => Established
  /** As the side that was dialled. See the module's remark on when the peer is proven. */
  readonly accept: (socket: Socket.Socket, options?: Options) => Established
}

/** The handshakes of the node that is here. */
export const make: Effect.Effect<Handshakes, never, Identity | SecureRandom.SecureRandom> = Effect.gen(function* () {
  const { key, linkKeys } = yield* Identity
  const random = yield* SecureRandom.SecureRandom
  const self = Effect.map(random.randomBytes(32), (ephemeral) => ({ key, linkKeys, ephemeral }))
  return {
    initiate: (socket, options) =>
      Effect.flatMap(self, (own) => establish(socket, Noise.initiator(own, options?.expected), options)),
    accept: (socket, options) => Effect.flatMap(self, (own) => establish(socket, Noise.responder(own), options))
  }
})

type Requirements = Identity | SecureRandom.SecureRandom | Scope.Scope

/** One handshake, as the side that dialled. */
export const initiate = (
  socket: Socket.Socket,
  options?: Dialling
): Effect.Effect<SecureChannel, HandshakeFailed, Requirements> =>
  Effect.flatMap(make, (handshakes) => handshakes.initiate(socket, options))

/** One handshake, as the side that was dialled. */
export const accept = (
  socket: Socket.Socket,
  options?: Options
): Effect.Effect<SecureChannel, HandshakeFailed, Requirements> =>
  Effect.flatMap(make, (handshakes) => handshakes.accept(socket, options))

/** The bytes of a socket that has nothing else. */
const bytesOf = (chunks: ReadonlyArray<Uint8Array | string>): ReadonlyArray<Uint8Array> => {
  for (const chunk of chunks) if (typeof chunk === "string") throw new Error("a transport brings bytes, not text")
  return chunks as ReadonlyArray<Uint8Array>
}

const establish = Effect.fnUntraced(function* (socket: Socket.Socket, machine: Noise.Noise, options?: Options) {
  const scope = yield* Effect.scope
  const lost = (error: Socket.SocketError) => new HandshakeFailed({ reason: socketLost(error) })
  const { pull } = yield* Effect.mapError(Scope.provide(socket.reader, scope), lost)
  // The writer has a scope of its own, so that closing it half-closes the socket.
  const writeScope = yield* Scope.fork(scope)
  const writer = yield* Scope.provide(socket.writer, writeScope)

  const points = options?.points ?? none
  let received = 0
  let waiting: ReadonlyArray<Uint8Array> = []
  let step = machine.start()
  let last: Uint8Array | undefined
  while (true) {
    for (const bytes of step.send) {
      yield* points.pass("link.handshake-before-written")
      if (step.done !== undefined && options?.writesAtOnce === true) last = bytes
      else {
        const sent = Effect.mapError(writer.write(bytes), lost)
        // Telling the peer why is a courtesy; that it failed must not hide what did.
        yield* step.error === undefined ? sent : Effect.ignore(sent)
      }
    }
    if (step.error !== undefined) return yield* new HandshakeFailed({ reason: step.error })
    if (step.done !== undefined) break
    if (waiting.length === 0) {
      const chunks = yield* Effect.mapError(pull, (error) =>
        isEnd(error) ? new HandshakeFailed({ reason: new HandshakeCutShort({ received }) }) : lost(error)
      )
      waiting = bytesOf(chunks)
    }
    const chunk = waiting[0]!
    received += chunk.length
    waiting = waiting.slice(1)
    step = machine.feed(chunk)
  }
  const { peer, rest, rxKey, txKey } = step.done
  const early = rest.length === 0 ? waiting : [rest, ...waiting]
  return new SecureChannel(peer, { pull, writer, writeScope, rxKey, txKey, early, last, ...options })
})
