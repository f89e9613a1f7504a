/**
 * A whole node on real TCP with everything that it keeps in memory, for integration tests: what it received, what it
 * logged, and what it is made of.
 */
import { Context, Deferred, Effect, Layer, Logger, References, Schema, Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import * as IdentityMemory from "../../src/layers/IdentityMemory.ts"
import * as StoresMemory from "../../src/layers/StoresMemory.ts"
import * as TransportTcp from "../../src/layers/TransportTcp.ts"
import type { Address } from "../../src/protocol/Address.ts"
import * as Ban from "../../src/protocol/link/Ban.ts"
import type { NodeKey } from "../../src/protocol/NodeKey.ts"
import { Delivery } from "../../src/services/delivery/Delivery.ts"
import * as DeliveryConfig from "../../src/services/delivery/DeliveryConfig.ts"
import * as Protocol from "../../src/services/delivery/Protocol.ts"
import { BanPolicy, Bans } from "../../src/services/link/Bans.ts"
import * as LinkConfig from "../../src/services/link/LinkConfig.ts"
import { Links } from "../../src/services/link/Links.ts"
import { Registry } from "../../src/services/link/Registry.ts"
import { Supervisor } from "../../src/services/link/Supervisor.ts"
import { Transport } from "../../src/services/link/Transport.ts"
import { Node } from "../../src/services/Node.ts"

/** One line of the log. */
export interface Line {
  readonly level: string
  readonly message: string
  readonly data: Readonly<Record<string, unknown>>
}

export interface MemoryNode {
  readonly key: NodeKey
  readonly address: Address
  readonly node: Node["Service"]
  readonly registry: Registry["Service"]
  readonly bans: Bans["Service"]
  readonly links: Links["Service"]
  readonly supervisor: Supervisor["Service"]
  readonly transport: Transport["Service"]
  readonly log: ReadonlyArray<Line>
  /** The first line, now or later, that is like this. */
  readonly logs: (like: (line: Line) => boolean) => Effect.Effect<Line>
  /** Every text that the handler was given, in order. */
  readonly received: ReadonlyArray<string>
  /** Commits a message to the peer. */
  readonly say: (peer: NodeKey, text: string) => Effect.Effect<void>
  /** Waits until this text has been received. */
  readonly hears: (text: string) => Effect.Effect<void>
}

export interface Options {
  readonly seed?: Uint8Array
  readonly network?: string
  readonly config?: Partial<LinkConfig.Config>
  readonly delivery?: Partial<DeliveryConfig.Config>
  readonly host?: string
  /** How long the first ban lasts; none by default. */
  readonly banMillis?: number
}

/** A running node, until the scope closes. */
export const start = Effect.fnUntraced(function* (options: Options = {}) {
  const received: Array<string> = []
  const log: Array<Line> = []
  const waiting = new Map<string, Deferred.Deferred<void>>()
  const readers: Array<{ readonly like: (line: Line) => boolean; readonly found: Deferred.Deferred<Line> }> = []
  const Say = Protocol.make("say", {
    messages: Schema.Struct({ text: Schema.String }),
    handle: ({ text }) =>
      Effect.sync(() => {
        received.push(text)
        const waiter = waiting.get(text)
        if (waiter !== undefined) Deferred.doneUnsafe(waiter, Effect.void)
      })
  })
  const logger = Logger.make(({ fiber, logLevel, message }) => {
    const parts = Array.isArray(message) ? message : [message]
    const line: Line = {
      level: logLevel,
      message: parts.map(String).join(" "),
      data: { ...fiber.getRef(References.CurrentLogAnnotations) }
    }
    log.push(line)
    for (const { found, like } of readers) if (like(line)) Deferred.doneUnsafe(found, Effect.succeed(line))
  })
  const identity = options.seed === undefined ? IdentityMemory.layer : IdentityMemory.layerFromSeed(options.seed)
  const base = Layer.mergeAll(
    identity,
    StoresMemory.layer,
    TransportTcp.layerWith({ dialTimeout: 120_000 }),
    Layer.succeed(LinkConfig.LinkConfig, { ...LinkConfig.defaults, firstDialDelay: 0, ...options.config }),
    // Tests offend again and again under one key.
    Layer.succeed(BanPolicy, { ...Ban.defaults, firstMillis: options.banMillis ?? 0 }),
    Layer.succeed(DeliveryConfig.DeliveryConfig, { ...DeliveryConfig.defaults, ...options.delivery }),
    Logger.layer([logger])
  ).pipe(Layer.provideMerge(SecureRandom.layerWebCrypto))
  const layer = Node.layer({
    protocols: [Say.handled],
    listen: { host: options.host ?? "127.0.0.1", port: 0 },
    network: options.network ?? "test"
  }).pipe(Layer.provideMerge(base))
  const context = yield* Layer.build(Layer.fresh(layer)).pipe(Effect.orDie)
  const node = Context.get(context, Node)
  const delivery = Context.get(context, Delivery)
  const running: MemoryNode = {
    key: node.key,
    address: node.address!,
    node,
    registry: Context.get(context, Registry),
    bans: Context.get(context, Bans),
    links: Context.get(context, Links),
    supervisor: Context.get(context, Supervisor),
    transport: Context.get(context, Transport),
    log,
    logs: (like) =>
      Effect.suspend(() => {
        const line = log.find(like)
        if (line !== undefined) return Effect.succeed(line)
        const found = Deferred.makeUnsafe<Line>()
        readers.push({ like, found })
        return Deferred.await(found)
      }),
    received,
    say: (peer, text) => Effect.asVoid(Effect.orDie(delivery.sendNow(peer, Say, { text }))),
    hears: (text) =>
      Effect.suspend(() => {
        if (received.includes(text)) return Effect.void
        const waiter = waiting.get(text) ?? Deferred.makeUnsafe<void>()
        waiting.set(text, waiter)
        return Deferred.await(waiter)
      })
  }
  return running
})

/** A node in a scope of its own, so that a test can stop it. */
export const startIn = (scope: Scope.Scope, options?: Options): Effect.Effect<MemoryNode> =>
  Scope.provide(start(options), scope)
