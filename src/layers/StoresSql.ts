/**
 * Everything that a node keeps, in one SQL database with its tables brought up to date: the usual choice.
 *
 * Needs a `SqlClient` (`Pglite.layer`, `Postgres.layer`, or your own) and `SecureRandom`.
 */
import { Layer } from "effect"
import { migrations } from "../../migrations/index.ts"
import * as AttentionStoreSql from "./AttentionStoreSql.ts"
import * as BanStoreSql from "./BanStoreSql.ts"
import * as ChainHeadersSql from "./ChainHeadersSql.ts"
import * as BitcoinPeersSql from "./BitcoinPeersSql.ts"
import * as ChainBlocksSql from "./ChainBlocksSql.ts"
import * as FeedStoreSql from "./FeedStoreSql.ts"
import * as Migrations from "./Migrations.ts"
import * as ParkedStoreSql from "./ParkedStoreSql.ts"
import * as PeerBookSql from "./PeerBookSql.ts"
import * as RecordsSql from "./RecordsSql.ts"
import * as RetryStoreSql from "./RetryStoreSql.ts"
import * as TimerStoreSql from "./TimerStoreSql.ts"
import * as TransactionsSql from "./TransactionsSql.ts"

/** Over a database whose tables are up to date already. */
export const layerNoDeps = Layer.mergeAll(
  RetryStoreSql.layer,
  ParkedStoreSql.layer,
  FeedStoreSql.layer,
  PeerBookSql.layer,
  BanStoreSql.layer,
  ChainHeadersSql.layer,
  BitcoinPeersSql.layer,
  ChainBlocksSql.layer,
  AttentionStoreSql.layer,
  TimerStoreSql.layer,
  RecordsSql.layer,
  TransactionsSql.layer
)

/** Over a database whose tables are made or changed first, where they must be. */
export const layer = Layer.provideMerge(layerNoDeps, Migrations.layer(migrations))
