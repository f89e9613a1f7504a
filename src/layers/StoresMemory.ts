/**
 * Everything that a node keeps, in memory: for tests and experiments. With its process everything is gone, what it
 * still owed included.
 */
import { Layer } from "effect"
import * as AttentionStoreMemory from "./AttentionStoreMemory.ts"
import * as BanStoreMemory from "./BanStoreMemory.ts"
import * as ChainHeadersMemory from "./ChainHeadersMemory.ts"
import * as BitcoinPeersMemory from "./BitcoinPeersMemory.ts"
import * as ChainBlocksMemory from "./ChainBlocksMemory.ts"
import * as FeedStoreMemory from "./FeedStoreMemory.ts"
import { MemoryDatabase } from "./MemoryDatabase.ts"
import * as ParkedStoreMemory from "./ParkedStoreMemory.ts"
import * as PeerBookMemory from "./PeerBookMemory.ts"
import * as RecordsMemory from "./RecordsMemory.ts"
import * as RetryStoreMemory from "./RetryStoreMemory.ts"
import * as TimerStoreMemory from "./TimerStoreMemory.ts"
import * as TransactionsMemory from "./TransactionsMemory.ts"

/** Over whatever memory database is there. */
export const layerNoDeps = Layer.mergeAll(
  RetryStoreMemory.layer,
  ParkedStoreMemory.layer,
  FeedStoreMemory.layer,
  PeerBookMemory.layer,
  BanStoreMemory.layer,
  ChainHeadersMemory.layer,
  BitcoinPeersMemory.layer,
  ChainBlocksMemory.layer,
  AttentionStoreMemory.layer,
  TimerStoreMemory.layer,
  RecordsMemory.layer,
  TransactionsMemory.layer
)

/** Over a memory database of the caller's, which may outlive the stores: that plays a restart. */
export const layerOn = (database: MemoryDatabase["Service"]) =>
  Layer.provide(layerNoDeps, Layer.succeed(MemoryDatabase, database))

/** Over a new, empty memory database. */
export const layer = Layer.provide(layerNoDeps, MemoryDatabase.layer)
