/**
 * The links of one node on real TCP, without delivery: what runs on its sessions is the test's, and every frame of it can
 * be watched.
 */
import { Context, Deferred, Effect, Layer, Logger } from "effect"
import { SecureRandom } from "effect/crypto"
import * as IdentityMemory from "../../../src/layers/IdentityMemory.ts"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import * as PeerBookMemory from "../../../src/layers/PeerBookMemory.ts"
import * as TransportTcp from "../../../src/layers/TransportTcp.ts"
import { Address } from "../../../src/protocol/Address.ts"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
import * as Acceptor from "../../../src/services/link/Acceptor.ts"
import * as HoldfastWire from "../../../src/services/link/HoldfastWire.ts"
import { Identity } from "../../../src/services/link/Identity.ts"
import * as LinkConfig from "../../../src/services/link/LinkConfig.ts"
import { Links } from "../../../src/services/link/Links.ts"
import { LinkTap, type Tap } from "../../../src/services/link/LinkTap.ts"
import { PeerBook } from "../../../src/services/link/PeerBook.ts"
import { Registry } from "../../../src/services/link/Registry.ts"
import { Self } from "../../../src/services/link/Self.ts"
import { type Session, SessionHandler } from "../../../src/services/link/Session.ts"
import { Supervisor } from "../../../src/services/link/Supervisor.ts"
import { Transport } from "../../../src/services/link/Transport.ts"
import { uuid } from "../HostilePeer.ts"

export interface Options {
  /** Names the node: its key follows from it. */
  readonly number: number
  readonly handle: (session: Session) => Effect.Effect<void>
  readonly config?: Partial<LinkConfig.Config> | undefined
  readonly tap?: Tap | undefined
}

export interface SessionNode {
  readonly key: NodeKey
  readonly address: Address
  readonly registry: Registry["Service"]
  readonly transport: Transport["Service"]
  /** Dials the other node, and stays connected. */
  readonly want: (other: { readonly key: NodeKey; readonly address: Address }) => Effect.Effect<void>
  /** Waits for the first session with this peer. */
  readonly session: (peer: NodeKey) => Effect.Effect<Session>
}

export const seedOf = (number: number): Uint8Array => {
  const seed = new Uint8Array(32)
  new DataView(seed.buffer).setUint32(0, number)
  return seed
}

/** A running node, until the scope closes. */
export const start = Effect.fnUntraced(function* ({ config, handle, number, tap }: Options) {
  const met = new Map<NodeKey, Deferred.Deferred<Session>>()
  const meeting = (peer: NodeKey) => {
    const known = met.get(peer) ?? Deferred.makeUnsafe<Session>()
    met.set(peer, known)
    return known
  }
  const handler = Layer.succeed(SessionHandler, {
    run: (session) => Effect.andThen(Deferred.succeed(meeting(session.peer), session), handle(session))
  })
  const self = Layer.effect(
    Self,
    Effect.map(Identity, ({ key }) => ({
      key,
      network: "test",
      instance: uuid(1_000 + number),
      database: uuid(2_000 + number),
      incarnation: 1n,
      versions: { min: Frame.version, max: Frame.version },
      agent: "test",
      protocols: [],
      listen: undefined
    }))
  )
  const base = Layer.mergeAll(
    IdentityMemory.layerFromSeed(seedOf(number)),
    PeerBookMemory.layer.pipe(Layer.provide(MemoryDatabase.layer)),
    TransportTcp.layerWith({ dialTimeout: 120_000 }),
    Layer.succeed(LinkConfig.LinkConfig, { ...LinkConfig.defaults, firstDialDelay: 0, ...config }),
    Layer.succeed(LinkTap, tap),
    Logger.layer([])
  ).pipe(Layer.provideMerge(SecureRandom.layerWebCrypto))
  const layer = Supervisor.layer.pipe(
    Layer.provideMerge(Links.layer),
    Layer.provideMerge(Registry.layer),
    Layer.provide(handler),
    Layer.provide(HoldfastWire.layer),
    Layer.provideMerge(self),
    Layer.provideMerge(base)
  )
  const context = yield* Layer.build(Layer.fresh(layer))
  const transport = Context.get(context, Transport)
  const book = Context.get(context, PeerBook)
  const supervisor = Context.get(context, Supervisor)
  const { key } = Context.get(context, Self)
  const listener = yield* Effect.orDie(transport.listen({ host: "127.0.0.1", port: 0 }))
  yield* Effect.forkScoped(Effect.provide(Acceptor.run(listener), context), { startImmediately: true })
  const node: SessionNode = {
    key,
    address: new Address({ key, host: "127.0.0.1", port: listener.endpoint.port }),
    registry: Context.get(context, Registry),
    transport,
    want: (other) =>
      Effect.orDie(Effect.andThen(book.want(other.key, other.address.endpoint), supervisor.want(other.key, "asked"))),
    session: (peer) => Deferred.await(meeting(peer))
  }
  return node
})
