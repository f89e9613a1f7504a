/**
 * A Bitcoin manager in this process and all that it needs: TCP, DNS, and stores in memory or in the embedded database of a data
 * folder, where headers and known nodes stay for the next time.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { DataFolder, layer as dataFolder } from "../../layers/DataFolder.ts"
import * as Pglite from "../../layers/Pglite.ts"
import * as ResolverDns from "../../layers/ResolverDns.ts"
import * as StoresMemory from "../../layers/StoresMemory.ts"
import * as StoresSql from "../../layers/StoresSql.ts"
import * as TransportTcp from "../../layers/TransportTcp.ts"
import type { Endpoint } from "../../protocol/Address.ts"
import type { Config } from "../../services/bitcoin/Config.ts"
import { Manager } from "../../services/bitcoin/Manager.ts"
import { Bans, make as makeBans } from "../../services/link/Bans.ts"
import { files } from "../FolderFiles.ts"
import * as MetricsPort from "./MetricsPort.ts"

const platform = Layer.merge(NodeServices.layer, SecureRandom.layerWebCrypto)

/** The stores: in a folder, made if there is none, or in memory. */
export const stores = (folder: string | undefined) =>
  folder === undefined
    ? Layer.provide(StoresMemory.layer, platform)
    : StoresSql.layer.pipe(
        Layer.provide(Layer.unwrap(Effect.map(DataFolder, (at) => Pglite.layer({ dataDir: at.file(files.database) })))),
        Layer.provide(dataFolder(folder)),
        Layer.provide(platform)
      )

/** Nobody but its connections is asked whether to end one: the manager looks before it dials and takes. */
const bans = Layer.effect(
  Bans,
  makeBans(() => [])
)

export interface Options {
  readonly config: Config
  readonly folder: string | undefined
  /** How long a dial may take, in milliseconds. */
  readonly dialTimeout: number
  /** Where its metrics are told, if they are. */
  readonly metrics?: Endpoint | undefined
}

/** `Manager`, with the stores behind it. */
export const layer = ({ config, dialTimeout, folder, metrics }: Options) =>
  Manager.layer(config).pipe(
    Layer.provide(Layer.mergeAll(TransportTcp.layerWith({ dialTimeout }), ResolverDns.layer, bans)),
    Layer.merge(MetricsPort.serving(metrics)),
    Layer.provide(MetricsPort.counting),
    Layer.provideMerge(stores(folder))
  )
