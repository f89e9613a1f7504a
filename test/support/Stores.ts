/**
 * Every store on each of the three databases, for the contract suites.
 */
import { Context, Effect, Layer, type Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import type { SqlClient } from "effect/sql"
import { migrations } from "../../migrations/index.ts"
import { MemoryDatabase } from "../../src/layers/MemoryDatabase.ts"
import * as Migrations from "../../src/layers/Migrations.ts"
import * as StoresMemory from "../../src/layers/StoresMemory.ts"
import * as StoresSql from "../../src/layers/StoresSql.ts"
import type { HeaderStore } from "../../src/services/chain/HeaderStore.ts"
import type { PeerStore } from "../../src/services/bitcoin/PeerStore.ts"
import type { BlockStore } from "../../src/services/chain/BlockStore.ts"
import type { AttentionStore } from "../../src/services/delivery/AttentionStore.ts"
import type { FeedStore } from "../../src/services/delivery/FeedStore.ts"
import type { ParkedStore } from "../../src/services/delivery/ParkedStore.ts"
import type { RetryStore } from "../../src/services/delivery/RetryStore.ts"
import type { TimerStore } from "../../src/services/delivery/TimerStore.ts"
import type { BanStore } from "../../src/services/link/BanStore.ts"
import type { PeerBook } from "../../src/services/link/PeerBook.ts"
import type { Records } from "../../src/services/Records.ts"
import type { Transactions } from "../../src/services/Transactions.ts"
import * as EmbeddedDatabase from "./EmbeddedDatabase.ts"
import * as FreshDatabase from "./FreshDatabase.ts"

export type Stores =
  | RetryStore
  | ParkedStore
  | FeedStore
  | PeerBook
  | BanStore
  | PeerStore
  | HeaderStore
  | BlockStore
  | AttentionStore
  | TimerStore
  | Records
  | Transactions

/** Builds the stores once more on the same database, as a restarted process does. */
export class Reopen extends Context.Service<
  Reopen,
  { readonly reopen: Effect.Effect<Context.Context<Stores>, never, Scope.Scope> }
>()("test/support/Stores/Reopen") {}

const withReopen = <R, E>(stores: Layer.Layer<Stores, E, R>): Layer.Layer<Stores | Reopen, never, R> =>
  Layer.merge(
    stores,
    Layer.effect(
      Reopen,
      Effect.map(Effect.context<R>(), (context) => ({
        reopen: Effect.provideContext(Layer.build(Layer.fresh(stores)), context).pipe(Effect.orDie)
      }))
    )
  ).pipe(Layer.orDie)

export const memory: Layer.Layer<Stores | Reopen | MemoryDatabase> = withReopen(StoresMemory.layerNoDeps).pipe(
  Layer.provideMerge(MemoryDatabase.layer),
  Layer.provide(SecureRandom.layerWebCrypto)
)

const sqlStores = withReopen(StoresSql.layerNoDeps).pipe(Layer.provide(SecureRandom.layerWebCrypto))

/** The stores on the database of a client. */
export const onSql = <E>(
  client: Layer.Layer<SqlClient.SqlClient, E>
): Layer.Layer<Stores | Reopen | SqlClient.SqlClient> =>
  sqlStores.pipe(Layer.provide(Migrations.layer(migrations)), Layer.provideMerge(client), Layer.orDie)

/** The embedded database, in memory. */
export const pglite: Layer.Layer<Stores | Reopen | SqlClient.SqlClient> = onSql(EmbeddedDatabase.layer)

/** A database of its own on a real PostgreSQL server. */
export const postgres: Layer.Layer<Stores | Reopen | SqlClient.SqlClient> = onSql(FreshDatabase.layer)

/** All three, by the name that tests say. */
export const databases: ReadonlyArray<{ readonly name: string; readonly stores: Layer.Layer<Stores | Reopen> }> = [
  { name: "memory", stores: memory },
  { name: "PGlite", stores: pglite },
  { name: "PostgreSQL", stores: postgres }
]
