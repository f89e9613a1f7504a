/**
 * A node: everything between a transport and a database, running. A program or a larger application builds it with
 * `Node.layer` and talks to it through `Node`, `Delivery`, `Feed`, `Registry`, `Bans` and `Supervisor`.
 *
 * Closing its scope stops it gracefully: no new connections, a GOODBYE on every session after what was queued, then the
 * end of every fiber it started.
 */
import { Clock, Context, Effect, Layer, Result, Stream } from "effect"
import { SecureRandom } from "effect/crypto"
import type { SqlError } from "effect/sql/SqlError"
import { Address, type Endpoint, parseEndpoint } from "../protocol/Address.ts"
import { advertised } from "../protocol/link/Advertised.ts"
import * as Frame from "../protocol/link/Frame.ts"
import type { NodeKey } from "../protocol/NodeKey.ts"
import { Attention } from "./delivery/Attention.ts"
import type { AttentionStore } from "./delivery/AttentionStore.ts"
import { Delivery } from "./delivery/Delivery.ts"
import * as Exchange from "./delivery/Exchange.ts"
import { Feed } from "./delivery/Feed.ts"
import type { FeedStore } from "./delivery/FeedStore.ts"
import { Outbounds } from "./delivery/Outbounds.ts"
import { CurrentTerm } from "./delivery/Ownership.ts"
import type { ParkedStore } from "./delivery/ParkedStore.ts"
import type { Handled } from "./delivery/Protocol.ts"
import * as Reminder from "./delivery/Reminder.ts"
import * as Retelling from "./delivery/Retelling.ts"
import { RetryStore } from "./delivery/RetryStore.ts"
import * as TimerRunner from "./delivery/TimerRunner.ts"
import { Timers } from "./delivery/Timers.ts"
import type { TimerStore } from "./delivery/TimerStore.ts"
import { TimerWatch } from "./delivery/TimerWatch.ts"
import * as Upkeep from "./delivery/Upkeep.ts"
import { Wakes } from "./delivery/Wakes.ts"
import { Discovery } from "./gossip/Discovery.ts"
import { Gossip } from "./gossip/Gossip.ts"
import * as Acceptor from "./link/Acceptor.ts"
import { Bans } from "./link/Bans.ts"
import type { BanStore } from "./link/BanStore.ts"
import * as BanGate from "./link/BanGate.ts"
import { type Beside, NodeChain } from "./link/Beside.ts"
import * as Besides from "./link/Besides.ts"
import * as ChainGate from "./link/ChainGate.ts"
import * as HoldfastWire from "./link/HoldfastWire.ts"
import { Identity } from "./link/Identity.ts"
import * as LinkObserver from "./link/LinkObserver.ts"
import { Links } from "./link/Links.ts"
import { PeerBook } from "./link/PeerBook.ts"
import { Self } from "./link/Self.ts"
import { type Session, SessionHandler } from "./link/Session.ts"
import { Supervisor } from "./link/Supervisor.ts"
import { type Listener, type ListenFailed, Transport } from "./link/Transport.ts"
import { check, type NodeOptionsInvalid } from "./NodeOptions.ts"
import type { Transactions } from "./Transactions.ts"

export interface Options<R> {
  /** What this node can talk about; `protocol.handled` of each. */
  readonly protocols: ReadonlyArray<Handled<R>>
  /** Where to listen; port 0 takes a free one. A node that does not listen can still dial. */
  readonly listen?: { readonly host: string; readonly port: number } | undefined
  /** What to tell peers to dial instead of the address listened at, as behind a NAT. */
  readonly advertise?: Endpoint | undefined
  /** Only nodes of the same network talk to each other; "main" by default, 64 characters at most. */
  readonly network?: string | undefined
  /** Peers to stay connected to, besides those that the peer book wants already. */
  readonly peers?: ReadonlyArray<Address> | undefined
  /**
   * Dials the nodes that others tell of, as far as `LinkConfig.maxLearned` goes, and gives them up when they cannot be
   * reached. Off by default: they are noted, so that a `connect` finds them.
   */
  readonly dialDiscovered?: boolean | undefined
  /** Name and version of the software, for people. */
  readonly agent?: string | undefined
}

export class Node extends Context.Service<
  Node,
  {
    readonly key: NodeKey
    /** What to give to somebody who wants to connect; `undefined` if this node does not listen. */
    readonly address: Address | undefined
    /** Stays connected to this node from now on, over restarts. Returns at once; `Registry` shows what comes of it. */
    readonly connect: (address: Address) => Effect.Effect<void, SqlError>
    /** No longer dials this node. A session that is live goes on until it ends. */
    readonly forget: (peer: NodeKey) => Effect.Effect<void, SqlError>
  }
>()("holdfast/services/Node") {
  static readonly layer = <R>(options: Options<R>) => compose(options)
}

/** The listener of a node that listens. */
class Listening extends Context.Service<Listening, { readonly listener: Listener | undefined }>()(
  "holdfast/services/Node/Listening"
) {}

/** How soon peers shall dial again after this node says that it stops, in milliseconds. */
const returnSoon = 1_000
/** Peers taken from the peer book at the start. */
const wantedAtStart = 4_096

const listening = <R>(options: Options<R>): Layer.Layer<Listening, ListenFailed | NodeOptionsInvalid, Transport> =>
  Layer.effect(
    Listening,
    Effect.gen(function* () {
      yield* check(options)
      const transport = yield* Transport
      return { listener: options.listen === undefined ? undefined : yield* transport.listen(options.listen) }
    })
  )

const self = <R>(
  options: Options<R>
): Layer.Layer<Self, never, Identity | Listening | RetryStore | SecureRandom.SecureRandom> =>
  Layer.effect(
    Self,
    Effect.gen(function* () {
      const identity = yield* Identity
      const store = yield* RetryStore
      const random = yield* SecureRandom.SecureRandom
      const { listener } = yield* Listening
      return Self.of({
        key: identity.key,
        network: options.network ?? "main",
        instance: yield* random.uuidV4(),
        database: store.databaseId,
        incarnation: store.incarnation,
        versions: { min: Frame.version, max: Frame.version },
        agent: options.agent ?? "holdfast",
        protocols: options.protocols.map((protocol) => protocol.name),
        listen: options.advertise ?? listener?.endpoint
      })
    })
  )

/** Notes where the peer of a new session can be dialled, then exchanges messages with it until the session ends. */
const handler = <R>(options: Options<R>) =>
  Layer.effect(
    SessionHandler,
    Effect.gen(function* () {
      const book = yield* PeerBook
      const clock = yield* Clock.Clock
      const gossip = yield* Gossip
      const gossiping: Beside = {
        kinds: [Frame.Kind.Gossip],
        join: gossip.join,
        receive: (session, { body }) => gossip.receive(session, body)
      }
      const beside = Besides.all([gossiping, ChainGate.guarded(yield* NodeChain)])
      yield* (yield* Outbounds).pump
      const exchange = yield* Exchange.make(options.protocols, beside.receive)
      const introduce = Effect.fnUntraced(function* ({ direction, hello, peer, remote }: Session) {
        yield* book.connected(peer, clock.currentTimeMillisUnsafe())
        if (direction === "outbound") {
          const dialled = parseEndpoint(remote)
          return Result.isSuccess(dialled) ? yield* book.learn(peer, dialled.success, "verified") : undefined
        }
        if (hello.listen !== undefined) yield* book.learn(peer, advertised(hello.listen, remote), "advertised")
      })
      return SessionHandler.of({
        run: (session) =>
          Effect.andThen(
            Effect.catch(introduce(session), (error) => Effect.logWarning("The peer book cannot be written", error)),
            Effect.scoped(Effect.andThen(beside.join(session), exchange(session)))
          )
      })
    })
  )

/** What this node's database knows is told again before anybody can connect: to its protocols, then to its users. */
const remind = Effect.fnUntraced(function* <R>(protocols: ReadonlyArray<Handled<R>>) {
  const attention = yield* Attention
  const context = yield* Effect.context<R>()
  for (const { attention: concerns, name } of protocols) {
    if (concerns !== undefined) yield* attention.include(name, Effect.provide(concerns, context))
  }
  yield* Retelling.run(protocols)
  yield* Reminder.run
})

const running = <R>(options: Options<R>) =>
  Layer.effect(
    Node,
    Effect.gen(function* () {
      const bans = yield* Bans
      const book = yield* PeerBook
      const links = yield* Links
      const me = yield* Self
      const supervisor = yield* Supervisor
      const { listener } = yield* Listening

      const connect = Effect.fn("Node.connect")(function* (address: Address) {
        yield* book.want(address.key, address.endpoint)
        yield* supervisor.want(address.key, "asked")
        yield* supervisor.poke(address.key)
      })
      yield* remind(options.protocols)
      for (const address of options.peers ?? []) yield* connect(address)
      for (const { peer } of yield* book.wanted(wantedAtStart)) yield* supervisor.want(peer, "asked")

      if (options.dialDiscovered === true) {
        const { heardOf } = yield* Discovery
        yield* Effect.forkScoped(Stream.runForEach(heardOf, (peer) => supervisor.want(peer, "learned")))
      }
      const stop = Effect.andThen(supervisor.stop, links.close(returnSoon))
      yield* Effect.addFinalizer(() => stop)
      const owned = { startImmediately: true }
      // At once, whatever else must end and however long that takes; who built this node may build another.
      const { over } = yield* CurrentTerm
      yield* Effect.forkScoped(Effect.andThen(over, stop), owned)
      yield* Upkeep.run(options.protocols).pipe(
        Effect.tapCause((cause) => Effect.logError("The upkeep of delivery failed", cause)),
        Effect.forkScoped(owned)
      )
      yield* TimerRunner.run(options.protocols).pipe(
        Effect.tapCause((cause) => Effect.logError("The timers of the protocols stand still", cause)),
        Effect.forkScoped(owned)
      )
      const isBanned = (ip: string): boolean => bans.ofHost(ip) !== undefined
      if (listener !== undefined) yield* Effect.forkScoped(Acceptor.run(listener, isBanned), owned)

      return Node.of({
        key: me.key,
        address:
          me.listen === undefined
            ? undefined
            : new Address({ key: me.key, host: me.listen.host, port: me.listen.port }),
        connect,
        forget: Effect.fn("Node.forget")(function* (peer: NodeKey) {
          yield* book.unwant(peer)
          yield* supervisor.unwant(peer, "asked")
        })
      })
    })
  )

const compose = <R>(options: Options<R>) => {
  const sending = Layer.mergeAll(Delivery.layer, Feed.layer, Timers.layer).pipe(
    Layer.provideMerge(Layer.mergeAll(Wakes.layer, Outbounds.layer, TimerWatch.layer))
  )
  const linking = Supervisor.layer.pipe(
    Layer.provideMerge(Links.layer),
    Layer.provide(BanGate.fromBans),
    Layer.provideMerge(Bans.layer),
    Layer.provideMerge(LinkObserver.registry),
    Layer.provide(handler(options)),
    Layer.provideMerge(Gossip.layer.pipe(Layer.provideMerge(Discovery.layer))),
    Layer.provide(HoldfastWire.layer),
    Layer.provideMerge(self(options)),
    Layer.provideMerge(listening(options)),
    Layer.provide(LinkObserver.transport)
  )
  return running(options).pipe(Layer.provideMerge(linking), Layer.provideMerge(sending))
}

/** What a node needs from below, besides what its protocols need. */
export type Requirements =
  | Transport
  | Identity
  | RetryStore
  | FeedStore
  | AttentionStore
  | ParkedStore
  | TimerStore
  | PeerBook
  | BanStore
  | Transactions
  | SecureRandom.SecureRandom
