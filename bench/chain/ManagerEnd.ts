/**
 * A node of this project on BTC's regtest, which fetches blocks as `holdfast bitcoin sync` does: it checks headers and merkle roots,
 * and stores all of both.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Fiber, Layer, ManagedRuntime, Redacted, References, Stream } from "effect"
import { SecureRandom } from "effect/crypto"
import { SqlClient } from "effect/sql/SqlClient"
import * as Pglite from "../../src/layers/Pglite.ts"
import * as Postgres from "../../src/layers/Postgres.ts"
import * as ResolverDns from "../../src/layers/ResolverDns.ts"
import * as StoresMemory from "../../src/layers/StoresMemory.ts"
import * as StoresSql from "../../src/layers/StoresSql.ts"
import * as TransportTcp from "../../src/layers/TransportTcp.ts"
import { Endpoint } from "../../src/protocol/Address.ts"
import * as Config from "../../src/services/bitcoin/Config.ts"
import { Manager } from "../../src/services/bitcoin/Manager.ts"
import { Bans, make as makeBans } from "../../src/services/link/Bans.ts"
import { networkNamed } from "../../test/support/BitcoinVectors.ts"
import * as End from "../End.ts"
import type { BlocksEnd, Opening, Store, Synced } from "./BlocksEnd.ts"

const platform = Layer.merge(NodeServices.layer, SecureRandom.layerWebCrypto)

const databaseOf = (store: Exclude<Store, { readonly _tag: "Memory" }>): Layer.Layer<SqlClient> =>
  store._tag === "Pglite"
    ? Layer.orDie(Pglite.layer({ dataDir: store.data }))
    : Layer.orDie(Postgres.layer({ url: Redacted.make(store.url), maxConnections: 5 }))

const storesOf = (store: Store) =>
  store._tag === "Memory"
    ? Layer.provide(StoresMemory.layer, platform)
    : Layer.orDie(StoresSql.layer).pipe(Layer.provide(databaseOf(store)), Layer.provide(platform))

const bans = Layer.effect(
  Bans,
  makeBans(() => [])
)

const defaults = Config.defaults(networkNamed("btc-regtest"))
/** It dials whom it is told to. */
const config: Config.Config = {
  ...defaults,
  sync: { store: true },
  peers: { _tag: "Fixed", endpoints: [] },
  pool: { ...defaults.pool, identity: "endpoint" }
}

const makeRuntime = ({ store }: Opening) =>
  ManagedRuntime.make(
    Manager.layer(config).pipe(
      Layer.provide(Layer.mergeAll(TransportTcp.layer, ResolverDns.layer, bans)),
      Layer.provide(storesOf(store)),
      Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "Error")),
      Layer.provideMerge(Layer.succeed(References.TracerEnabled, false))
    )
  )

let opened: { readonly runtime: ReturnType<typeof makeRuntime>; readonly from: Endpoint } | undefined

const synced = Effect.fnUntraced(function* (from: Endpoint, height: number) {
  const { blocks, call } = yield* Manager
  if (blocks === undefined) return yield* Effect.die(new Error("a manager without blocks"))
  const reached = Stream.runHead(
    Stream.filter(blocks.events, (event) => event._tag === "Tip" && event.height >= height)
  )
  const begin = performance.now()
  const end = yield* Effect.forkChild(
    Effect.map(reached, () => performance.now()),
    { startImmediately: true }
  )
  yield* call(from)
  const millis = (yield* Fiber.join(end)) - begin
  return { millis, id: blocks.applied().id } satisfies Synced
})

const functions = {
  open: async (opening) => {
    const runtime = makeRuntime(opening)
    await runtime.context()
    opened = { runtime, from: new Endpoint(opening.from) }
  },
  sync: (height) => {
    if (opened === undefined) throw new Error("the node is not open")
    return opened.runtime.runPromise(synced(opened.from, height))
  }
} satisfies BlocksEnd
export type Functions = typeof functions

End.serve(functions, () => opened?.runtime.dispose())
