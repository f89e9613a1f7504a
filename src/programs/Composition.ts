/**
 * A whole node as layers: what lives as long as the process (its folder, its identity, its database brought up to
 * date, the right to own the node), and what lives as long as it owns the node (the stores, TCP, the node itself).
 *
 * The order of the layers is the order of the end: the node says GOODBYE and its fibers end, then the stores, then the
 * lock on the database, the database, and last the lock on the folder.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { type Duration, Effect, type FileSystem, Layer, type Redacted } from "effect"
import { SecureRandom } from "effect/crypto"
import type { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import { migrations } from "../../migrations/index.ts"
import { DataFolder, layer as dataFolder } from "../layers/DataFolder.ts"
import * as AttentionStoreSql from "../layers/AttentionStoreSql.ts"
import * as AuditSql from "../layers/AuditSql.ts"
import * as BanStoreSql from "../layers/BanStoreSql.ts"
import * as ChainBlocksSql from "../layers/ChainBlocksSql.ts"
import * as ChainHeadersSql from "../layers/ChainHeadersSql.ts"
import * as DatabaseOwner from "../layers/DatabaseOwner.ts"
import * as FeedStoreSql from "../layers/FeedStoreSql.ts"
import * as IdentityFile from "../layers/IdentityFile.ts"
import * as KeyringFile from "../layers/KeyringFile.ts"
import type {
  DatabaseNotDurable,
  DatabaseUnreachable,
  DatabaseUrlInvalid,
  EmbeddedDatabaseUnusable
} from "../layers/DatabaseErrors.ts"
import * as Migrations from "../layers/Migrations.ts"
import * as NoticesPostgres from "../layers/NoticesPostgres.ts"
import * as OwnershipSole from "../layers/OwnershipSole.ts"
import * as OwnershipSql from "../layers/OwnershipSql.ts"
import * as ParkedStoreSql from "../layers/ParkedStoreSql.ts"
import * as PatientListening from "../layers/PatientListening.ts"
import * as PeerBookSql from "../layers/PeerBookSql.ts"
import * as Pglite from "../layers/Pglite.ts"
import * as Postgres from "../layers/Postgres.ts"
import * as RecordsSql from "../layers/RecordsSql.ts"
import * as RetryStoreSql from "../layers/RetryStoreSql.ts"
import * as TimerStoreSql from "../layers/TimerStoreSql.ts"
import * as TransactionsSql from "../layers/TransactionsSql.ts"
import * as TransportTcp from "../layers/TransportTcp.ts"
import * as WakeListening from "../layers/WakeListening.ts"
import { Chain, type Options as ChainOptions } from "../services/chain/Chain.ts"
import type { BlockStore } from "../services/chain/BlockStore.ts"
import type { HeaderStore } from "../services/chain/HeaderStore.ts"
import type { ChainMismatch } from "../services/chain/HeaderTurn.ts"
import { Credit } from "../services/credit/Credit.ts"
import * as CreditConfig from "../services/credit/CreditConfig.ts"
import type * as CreditProtocol from "../services/credit/CreditProtocol.ts"
import { Keyring } from "../services/credit/Keyring.ts"
import * as DeliveryConfig from "../services/delivery/DeliveryConfig.ts"
import { Notices } from "../services/delivery/Notices.ts"
import { CurrentTerm, Ownership } from "../services/delivery/Ownership.ts"
import { Parked } from "../services/delivery/Parked.ts"
import * as LinkConfig from "../services/link/LinkConfig.ts"
import type { Identity } from "../services/link/Identity.ts"
import { Transport } from "../services/link/Transport.ts"
import { Node, type Options as NodeOptions } from "../services/Node.ts"
import type { Records } from "../services/Records.ts"
import type { Transactions } from "../services/Transactions.ts"
import { files } from "./FolderFiles.ts"

export interface Options<R> extends NodeOptions<R> {
  /** The data folder, made if there is none. */
  readonly data: string
  /** A PostgreSQL server to use instead of the database embedded in the data folder. */
  readonly database?: Redacted.Redacted | undefined
  /** Connections to PostgreSQL at the most, 10 by default; one owns the node, and one listens. At least 4. */
  readonly maxConnections?: number | undefined
  /** Accept a database whose commits a crash can undo; on the embedded one, do not force them to the disk. */
  readonly allowDataLoss?: boolean | undefined
  /** Figures of the link layer, the defaults unless given. */
  readonly link?: LinkConfig.Config | undefined
  /** Figures of delivery, the defaults unless given. */
  readonly delivery?: DeliveryConfig.Config | undefined
  /** Takes a free port if the one to listen at is taken, and says so in the log. */
  readonly freePortIfTaken?: boolean | undefined
  /** How long a frozen process keeps the node at the most; 10 s by default. */
  readonly lease?: Duration.Input | undefined
  /** Waits while another process of this node owns it, as by default; else fails with `DatabaseTaken`. */
  readonly standby?: boolean | undefined
  /** Runs each time this process begins to stand by. */
  readonly onStandby?: Effect.Effect<void> | undefined
  /** How long a dial may take, in milliseconds; 10 s by default. */
  readonly dialTimeout?: number | undefined
  /** The chain that the node keeps; none by default. */
  readonly chain?: Omit<ChainOptions<never>, "ledger"> | undefined
  /** Figures and rules of credit, for a node among whose protocols it is. Without it there is no `Credit`, and no key of a user. */
  readonly credit?: CreditConfig.Config | undefined
}

type DatabaseFailed =
  | DatabaseUrlInvalid
  | DatabaseUnreachable
  | DatabaseNotDurable
  | EmbeddedDatabaseUnusable
  | SqlError

/**
 * Connections to PostgreSQL that stay open: one owns the node, one listens, and the others are for those who ask at the same time, as
 * when a peer comes after a quiet minute.
 */
const minConnections = 5

const database = <R>(options: Options<R>): Layer.Layer<SqlClient.SqlClient | Notices, DatabaseFailed, DataFolder> => {
  const { allowDataLoss, database: url, maxConnections } = options
  return url === undefined
    ? Layer.unwrap(
        Effect.map(DataFolder, (folder) => Pglite.layer({ dataDir: folder.file(files.database), allowDataLoss }))
      ).pipe(Layer.merge(Notices.silent))
    : NoticesPostgres.layer.pipe(
        Layer.provideMerge(Postgres.layer({ url, maxConnections, minConnections, allowDataLoss }))
      )
}

const identity = Layer.unwrap(Effect.map(DataFolder, (folder) => IdentityFile.layer(folder.file(files.identity))))

/**
 * What lives as long as the process, whether it owns the node or stands by: the folder, the identity, the database, and
 * `Ownership` of the node.
 */
export const standing = <R>(options: Options<R>) => {
  const ownership =
    options.database === undefined
      ? OwnershipSole.layer
      : OwnershipSql.layer({ lease: options.lease, standby: options.standby, onStandby: options.onStandby })
  return ownership.pipe(
    Layer.provideMerge(FeedStoreSql.layer),
    Layer.provideMerge(DatabaseOwner.layer),
    Layer.provideMerge(Migrations.layer(migrations)),
    Layer.provideMerge(database(options)),
    Layer.provideMerge(identity),
    Layer.provideMerge(dataFolder(options.data)),
    Layer.provideMerge(Layer.merge(NodeServices.layer, SecureRandom.layerWebCrypto))
  )
}

const stores = Layer.mergeAll(
  ChainBlocksSql.layer,
  ChainHeadersSql.layer,
  RetryStoreSql.layer,
  ParkedStoreSql.layer,
  PeerBookSql.layer,
  BanStoreSql.layer,
  AttentionStoreSql.layer,
  TimerStoreSql.layer,
  RecordsSql.layer,
  TransactionsSql.layer
)

/** TCP, where a taken port need not be the end. */
const transport = <R>(options: Options<R>) => {
  const strict = TransportTcp.layerWith({ dialTimeout: options.dialTimeout })
  const tcp = Layer.unwrap(
    Effect.map(CurrentTerm, ({ stoodBy }) =>
      stoodBy && options.freePortIfTaken !== true ? Layer.provide(PatientListening.layer, strict) : strict
    )
  )
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

/** The chain, for who asks whether there is one; the node that is built on it tells its peers of it. */
const chain = <R>(
  options: Options<R>
): Layer.Layer<never, ChainMismatch | SqlError, BlockStore | HeaderStore | Identity | Transactions> =>
  options.chain === undefined ? Layer.empty : Chain.layer(options.chain)

const absent = (): never => {
  throw new Error("a node without credit signs for nobody")
}
const noKeys = Layer.succeed(Keyring, Keyring.of({ keyOf: absent, sign: absent }))

type KeyringFailed = KeyringFile.KeyringUnusable | KeyringFile.KeyringLost | SqlError

/** The keys of the users of a node with credit, once it is known that they are those that its database has. */
const keyring = <R>(
  options: Options<R>
): Layer.Layer<Keyring, KeyringFailed, DataFolder | FileSystem.FileSystem | SecureRandom.SecureRandom | Records> =>
  options.credit === undefined
    ? noKeys
    : Layer.unwrap(
        Effect.map(DataFolder, (folder) => {
          const path = folder.file(files.keyring)
          return Layer.effectDiscard(KeyringFile.check(path)).pipe(Layer.provideMerge(KeyringFile.layer(path)))
        })
      )

/** Credit, for who asks whether it is kept. */
const credit = <R>(options: Options<R>): Layer.Layer<never, never, CreditProtocol.Services | Transactions | Node> =>
  options.credit === undefined ? Layer.empty : Credit.layer

/**
 * A running node over what `standing` provides, for one term: `Node`, `Delivery`, `Feed`, `Parked`, `Audit`, `Registry`,
 * `Supervisor`, the stores and the `SqlClient`. Its protocols may require any of these from below the node.
 */
export const node = <R>(options: Options<R>) =>
  Layer.mergeAll(
    Parked.layer(options.protocols),
    AuditSql.layer(options.protocols),
    WakeListening.layer,
    credit(options)
  ).pipe(
    Layer.provideMerge(Node.layer(options)),
    Layer.provideMerge(Layer.merge(transport(options), chain(options))),
    Layer.provideMerge(
      Layer.mergeAll(
        Layer.succeed(LinkConfig.LinkConfig, options.link ?? LinkConfig.defaults),
        Layer.succeed(DeliveryConfig.DeliveryConfig, options.delivery ?? DeliveryConfig.defaults),
        Layer.succeed(CreditConfig.CreditConfig, options.credit ?? CreditConfig.defaults)
      )
    ),

    Layer.provideMerge(keyring(options)),
    Layer.provideMerge(stores)
  )

/**
 * `node` and `standing` in one, for programs that do not stand by: fails with `DatabaseTaken` if another process owns
 * the node. Should the node be taken from it nevertheless, its links end, and it can still send.
 */
export const layer = <R>(options: Options<R>) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const term = yield* (yield* Ownership).own
      return Layer.provide(node(options), Layer.succeed(CurrentTerm, term))
    })
  ).pipe(Layer.provideMerge(standing({ ...options, standby: false })))
