/**
 * The delivery half of a node over a memory database that outlives it, for tests that crash and restart it.
 */
import { Context, Effect, Layer, type Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import * as AttentionStoreMemory from "../../src/layers/AttentionStoreMemory.ts"
import * as FeedStoreMemory from "../../src/layers/FeedStoreMemory.ts"
import * as IdentityMemory from "../../src/layers/IdentityMemory.ts"
import { MemoryDatabase } from "../../src/layers/MemoryDatabase.ts"
import * as ParkedStoreMemory from "../../src/layers/ParkedStoreMemory.ts"
import * as RetryStoreMemory from "../../src/layers/RetryStoreMemory.ts"
import * as TransactionsMemory from "../../src/layers/TransactionsMemory.ts"
import type { Attention } from "../../src/services/delivery/Attention.ts"
import type { AttentionStore } from "../../src/services/delivery/AttentionStore.ts"
import { Delivery } from "../../src/services/delivery/Delivery.ts"
import * as Exchange from "../../src/services/delivery/Exchange.ts"
import { Feed } from "../../src/services/delivery/Feed.ts"
import type { FeedStore } from "../../src/services/delivery/FeedStore.ts"
import type { Handled } from "../../src/services/delivery/Protocol.ts"
import { RetryStore } from "../../src/services/delivery/RetryStore.ts"
import { Outbounds } from "../../src/services/delivery/Outbounds.ts"
import { Wakes } from "../../src/services/delivery/Wakes.ts"
import { Identity } from "../../src/services/link/Identity.ts"
import type { Session } from "../../src/services/link/Session.ts"
import { Transactions } from "../../src/services/Transactions.ts"

export type Services =
  | Attention
  | AttentionStore
  | Delivery
  | Feed
  | FeedStore
  | Outbounds
  | RetryStore
  | Wakes
  | Identity
  | Transactions

export interface DeliveryNode {
  readonly context: Context.Context<Services>
  readonly run: (session: Session) => Effect.Effect<void>
}

/** One life of the process: stores, delivery and the session handler, until the scope closes. */
export const start = (options: {
  readonly seed: number
  readonly database: MemoryDatabase["Service"]
  readonly protocols: ReadonlyArray<Handled<Services>>
  /** Puts faulty services in the place of those that the session handler is built with. */
  readonly amend?: (services: Context.Context<Services>) => Context.Context<Services>
}): Effect.Effect<DeliveryNode, never, Scope.Scope> => {
  const stores = Layer.mergeAll(
    AttentionStoreMemory.layer,
    ParkedStoreMemory.layer,
    RetryStoreMemory.layer,
    FeedStoreMemory.layer,
    TransactionsMemory.layer
  ).pipe(Layer.provide(Layer.succeed(MemoryDatabase, options.database)))
  const services = Layer.mergeAll(Delivery.layer, Feed.layer).pipe(
    Layer.provideMerge(Layer.merge(Wakes.layer, Outbounds.layer)),
    Layer.provideMerge(Layer.mergeAll(stores, IdentityMemory.layerFromSeed(new Uint8Array(32).fill(options.seed)))),
    Layer.provideMerge(SecureRandom.layerWebCrypto)
  )
  return Effect.gen(function* () {
    const context = yield* Layer.build(Layer.fresh(services))
    const amended = options.amend === undefined ? context : Context.merge(context, options.amend(context))
    yield* Context.get(context, Outbounds).pump
    const run = yield* Effect.provide(
      Exchange.make(options.protocols, () => undefined),
      amended
    )
    return { context, run }
  }).pipe(Effect.orDie)
}

export const keyOf = (node: DeliveryNode) => Context.get(node.context, Identity).key
