/**
 * A whole node as one layer: its folder, its identity, its database brought up to date, TCP, and the node itself.
 *
 * The order of the layers is the order of the end: the node says GOODBYE and its fibers end, then the stores, then the
 * lock on the database, the database, and last the lock on the folder.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer, type Redacted } from "effect"
import { SecureRandom } from "effect/crypto"
import type { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import { migrations } from "../../migrations/index.ts"
import { DataFolder, layer as dataFolder } from "../layers/DataFolder.ts"
import * as AttentionStoreSql from "../layers/AttentionStoreSql.ts"
import * as BanStoreSql from "../layers/BanStoreSql.ts"
import * as FeedStoreSql from "../layers/FeedStoreSql.ts"
import * as IdentityFile from "../layers/IdentityFile.ts"
import type {
  DatabaseNotDurable,
  DatabaseUnreachable,
  DatabaseUrlInvalid,
  EmbeddedDatabaseUnusable
} from "../layers/DatabaseErrors.ts"
import * as Migrations from "../layers/Migrations.ts"
import * as ParkedStoreSql from "../layers/ParkedStoreSql.ts"
import * as PeerBookSql from "../layers/PeerBookSql.ts"
import * as Pglite from "../layers/Pglite.ts"
import * as Postgres from "../layers/Postgres.ts"
import * as RetryStoreSql from "../layers/RetryStoreSql.ts"
import * as TimerStoreSql from "../layers/TimerStoreSql.ts"
import * as TransactionsSql from "../layers/TransactionsSql.ts"
import * as TransportTcp from "../layers/TransportTcp.ts"
import * as DeliveryConfig from "../services/delivery/DeliveryConfig.ts"
import { Parked } from "../services/delivery/Parked.ts"
import * as LinkConfig from "../services/link/LinkConfig.ts"
import { Transport } from "../services/link/Transport.ts"
import { Node, type Options as NodeOptions } from "../services/Node.ts"
import * as DatabaseGuard from "./DatabaseGuard.ts"
import { files } from "./FolderFiles.ts"

export interface Options<R> extends NodeOptions<R> {
  /** The data folder, made if there is none. */
  readonly data: string
  /** A PostgreSQL server to use instead of the database embedded in the data folder. */
  readonly database?: Redacted.Redacted | undefined
  /** Connections to PostgreSQL at the most, 10 by default; one is for the node's lock. At least 3. */
  readonly maxConnections?: number | undefined
  /** Accept a database whose commits a crash can undo; on the embedded one, do not force them to the disk. */
  readonly allowDataLoss?: boolean | undefined
  /** Figures of the link layer, the defaults unless given. */
  readonly link?: LinkConfig.Config | undefined
  /** Figures of delivery, the defaults unless given. */
  readonly delivery?: DeliveryConfig.Config | undefined
  /** Takes a free port if the one to listen at is taken, and says so in the log. */
  readonly freePortIfTaken?: boolean | undefined
  /** How long a dial may take, in milliseconds; 10 s by default. */
  readonly dialTimeout?: number | undefined
}

type DatabaseFailed =
  | DatabaseUrlInvalid
  | DatabaseUnreachable
  | DatabaseNotDurable
  | EmbeddedDatabaseUnusable
  | SqlError

const database = <R>(options: Options<R>): Layer.Layer<SqlClient.SqlClient, DatabaseFailed, DataFolder> => {
  const { allowDataLoss, database: url, maxConnections } = options
  return url === undefined
    ? Layer.unwrap(
        Effect.map(DataFolder, (folder) => Pglite.layer({ dataDir: folder.file(files.database), allowDataLoss }))
      )
    : Postgres.layer({ url, maxConnections, allowDataLoss })
}

const identity = Layer.unwrap(Effect.map(DataFolder, (folder) => IdentityFile.layer(folder.file(files.identity))))

/** Everything below the node: its folder, identity, database and stores. */
const ground = <R>(options: Options<R>) => {
  const guard = options.database === undefined ? DatabaseGuard.owner : DatabaseGuard.exclusive
  const stores = Layer.mergeAll(
    RetryStoreSql.layer,
    ParkedStoreSql.layer,
    FeedStoreSql.layer,
    PeerBookSql.layer,
    BanStoreSql.layer,
    AttentionStoreSql.layer,
    TimerStoreSql.layer,
    TransactionsSql.layer
  )
  return stores.pipe(
    Layer.provideMerge(guard),
    Layer.provideMerge(Migrations.layer(migrations)),
    Layer.provideMerge(database(options)),
    Layer.provideMerge(identity),
    Layer.provideMerge(dataFolder(options.data)),
    Layer.provideMerge(Layer.merge(NodeServices.layer, SecureRandom.layerWebCrypto))
  )
}

/** TCP, where a taken port need not be the end. */
const transport = <R>(options: Options<R>) => {
  const tcp = TransportTcp.layerWith({ dialTimeout: options.dialTimeout })
  if (options.freePortIfTaken !== true) return tcp
  const flexible = Effect.map(Transport, (transport) =>
    Transport.of({
      ...transport,
      listen: (at) =>
        transport.listen(at).pipe(
          Effect.catchIf(
            (error) => error.reason === "in-use",
            () => Effect.andThen(portTaken(at.port), transport.listen({ ...at, port: 0 }))
          )
        )
    })
  )
  return Layer.effect(Transport, flexible).pipe(Layer.provide(tcp))
}

const portTaken = (port: number) =>
  Effect.annotateLogs(Effect.logInfo("The usual port is taken, listening at a free one"), { port })

/**
 * A running node, with everything that a program may want to ask: `Node`, `Delivery`, `Feed`, `Parked`,
 * `Registry`, `Supervisor`, the stores and the `SqlClient`. Its protocols may require any of these from below the node.
 */
export const layer = <R>(options: Options<R>) =>
  Parked.layer(options.protocols).pipe(
    Layer.provideMerge(Node.layer(options)),
    Layer.provideMerge(transport(options)),
    Layer.provideMerge(
      Layer.mergeAll(
        Layer.succeed(LinkConfig.LinkConfig, options.link ?? LinkConfig.defaults),
        Layer.succeed(DeliveryConfig.DeliveryConfig, options.delivery ?? DeliveryConfig.defaults)
      )
    ),
    Layer.provideMerge(ground(options))
  )
