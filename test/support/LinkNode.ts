/**
 * The link half of a node on a network in memory: everything but delivery, with a session handler that a test decides.
 *
 * It can stop gracefully, crash so that its peers notice, and vanish so that they do not; started again with the same
 * seed it is the same node.
 */
import { Context, Effect, Exit, Layer, Metric, Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import * as IdentityMemory from "../../src/layers/IdentityMemory.ts"
import { MemoryDatabase } from "../../src/layers/MemoryDatabase.ts"
import * as PeerBookMemory from "../../src/layers/PeerBookMemory.ts"
import { Address } from "../../src/protocol/Address.ts"
import * as Frame from "../../src/protocol/link/Frame.ts"
import * as Heartbeat from "../../src/protocol/link/Heartbeat.ts"
import type { NodeKey } from "../../src/protocol/NodeKey.ts"
import * as NodeSecret from "../../src/protocol/NodeSecret.ts"
import * as Acceptor from "../../src/services/link/Acceptor.ts"
import * as HoldfastWire from "../../src/services/link/HoldfastWire.ts"
import { Identity } from "../../src/services/link/Identity.ts"
import * as LinkConfig from "../../src/services/link/LinkConfig.ts"
import { Links } from "../../src/services/link/Links.ts"
import { PeerBook } from "../../src/services/link/PeerBook.ts"
import { Registry } from "../../src/services/link/Registry.ts"
import { Self } from "../../src/services/link/Self.ts"
import { type Session, SessionHandler } from "../../src/services/link/Session.ts"
import { Supervisor } from "../../src/services/link/Supervisor.ts"
import { Transport } from "../../src/services/link/Transport.ts"
import type { MemoryNetwork } from "../../src/testing/TransportMemory.ts"

export const config: LinkConfig.Config = {
  ...LinkConfig.defaults,
  heartbeat: Heartbeat.profiles.fast,
  firstDialDelay: 0
}

export interface Options {
  readonly network: MemoryNetwork
  readonly seed: number
  /** The IP address of the host; made of the seed by default. */
  readonly host?: string
  readonly incarnation?: number
  /** Another process of the same node says another one; made of seed and incarnation by default. */
  readonly instance?: number
  readonly database?: number
  readonly config?: Partial<LinkConfig.Config>
  readonly handle?: (session: Session) => Effect.Effect<void>
  readonly networkName?: string
}

export interface LinkNode {
  readonly key: NodeKey
  readonly host: string
  readonly address: Address
  readonly registry: Registry["Service"]
  readonly links: Links["Service"]
  readonly supervisor: Supervisor["Service"]
  readonly transport: Transport["Service"]
  /** Every session that the handler has begun with, oldest first. */
  readonly sessions: ReadonlyArray<Session>
  /** Stays connected to the other node from now on. */
  readonly want: (other: Pick<LinkNode, "key" | "address">) => Effect.Effect<void>
  /** Ends it with a GOODBYE. */
  readonly stop: (retryAfterMillis?: number) => Effect.Effect<void>
  /** Ends it, and resets its connections. */
  readonly crash: Effect.Effect<void>
  /** Ends it so that nobody hears of it. */
  readonly vanish: Effect.Effect<void>
}

const port = 4000
const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`
export const hostOf = (seed: number): string => `10.0.0.${seed}`
export const keyOf = (seed: number): NodeKey => NodeSecret.fromSeed(new Uint8Array(32).fill(seed)).key

/** Two seeds, the one with the lower key, the arbiter of the pair, first. */
export const [arbiter, follower] = keyOf(1) < keyOf(2) ? ([1, 2] as const) : ([2, 1] as const)

const self = (options: Options) =>
  Layer.effect(
    Self,
    Effect.map(Identity, ({ key }) => ({
      key,
      network: options.networkName ?? "test",
      instance: uuid(options.instance ?? options.seed * 1_000 + (options.incarnation ?? 1)),
      database: uuid(options.database ?? options.seed),
      incarnation: BigInt(options.incarnation ?? 1),
      versions: { min: Frame.version, max: Frame.version },
      agent: "test",
      protocols: [],
      listen: undefined
    }))
  )

export const start = Effect.fnUntraced(function* (options: Options) {
  const { network, seed } = options
  const host = options.host ?? hostOf(seed)
  const sessions: Array<Session> = []
  const handler = Layer.succeed(SessionHandler, {
    run: (session) =>
      Effect.suspend(() => {
        sessions.push(session)
        return options.handle?.(session) ?? Effect.never
      })
  })
  const base = Layer.mergeAll(
    IdentityMemory.layerFromSeed(new Uint8Array(32).fill(seed)),
    PeerBookMemory.layer.pipe(Layer.provide(MemoryDatabase.layer)),
    network.layer(host),
    Layer.succeed(LinkConfig.LinkConfig, { ...config, ...options.config })
  ).pipe(Layer.provideMerge(SecureRandom.layerWebCrypto))
  const layer = Supervisor.layer.pipe(
    Layer.provideMerge(Links.layer),
    Layer.provideMerge(Registry.layer),
    Layer.provide(handler),
    Layer.provide(HoldfastWire.layer),
    Layer.provideMerge(self(options)),
    Layer.provideMerge(base)
  )
  const scope = yield* Scope.fork(yield* Effect.scope)
  const context = yield* Scope.provide(Layer.build(Layer.fresh(layer)), scope)
  const transport = Context.get(context, Transport)
  const links = Context.get(context, Links)
  const supervisor = Context.get(context, Supervisor)
  const book = Context.get(context, PeerBook)
  const { key } = Context.get(context, Self)
  const listening = yield* Scope.fork(scope)
  const listener = yield* Effect.orDie(Scope.provide(transport.listen({ host, port }), listening))
  yield* Effect.forkIn(Effect.provide(Acceptor.run(listener), context), listening, { startImmediately: true })

  const end = Scope.close(scope, Exit.void)
  const ours = () => network.links.filter((link) => link.from.host === host || link.to.host === host)
  const node: LinkNode = {
    key,
    host,
    address: new Address({ key, host, port }),
    registry: Context.get(context, Registry),
    links,
    supervisor,
    transport,
    sessions,
    want: (other) =>
      Effect.orDie(Effect.andThen(book.want(other.key, other.address.endpoint), supervisor.want(other.key, "asked"))),
    stop: (retryAfterMillis = 1_000) =>
      Effect.gen(function* () {
        yield* supervisor.stop
        yield* links.close(retryAfterMillis)
        yield* end
      }),
    crash: Effect.suspend(() => {
      for (const link of ours()) link.reset()
      return end
    }),
    vanish: Effect.suspend(() => {
      for (const link of ours()) link.cut()
      return end
    })
  }
  return node
})

/** Runs `work` with an effect that tells how many fibers are alive, besides those that were before. */
export const countingFibers = <A, E, R>(
  work: (alive: Effect.Effect<number>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    let alive = 0
    return Effect.provideService(work(Effect.sync(() => alive)), Metric.FiberRuntimeMetrics, {
      recordFiberStart: () => void alive++,
      recordFiberEnd: () => void alive--
    })
  })
