/**
 * The database of a simulated node. It outlives the node's processes, and it can be slow, fail, restart, be wiped or be
 * put back to a backup. What it does wrong is drawn from streams of the world, so a seed repeats it.
 *
 * `MemoryDatabases` makes them of plain memory, `PgliteDatabases` of PostgreSQL itself.
 */
import type { Layer } from "effect"
import type { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import type { MemoryDatabase } from "../../layers/MemoryDatabase.ts"
import type { MigrationFailed, SchemaUnknown } from "../../layers/Migrations.ts"
import type { HeaderStore } from "../../services/chain/HeaderStore.ts"
import type { PeerStore } from "../../services/bitcoin/PeerStore.ts"
import type { BlockStore } from "../../services/chain/BlockStore.ts"
import type { AttentionStore } from "../../services/delivery/AttentionStore.ts"
import type { FeedStore } from "../../services/delivery/FeedStore.ts"
import type { ParkedStore } from "../../services/delivery/ParkedStore.ts"
import type { RetryStore } from "../../services/delivery/RetryStore.ts"
import type { TimerStore } from "../../services/delivery/TimerStore.ts"
import type { BanStore } from "../../services/link/BanStore.ts"
import type { PeerBook } from "../../services/link/PeerBook.ts"
import type { Records } from "../../services/Records.ts"
import type { Transactions } from "../../services/Transactions.ts"
import type { Process } from "../world/Process.ts"
import type { Rng } from "../world/Rng.ts"

/** What a node gets of its database. */
export type Stored =
  | RetryStore
  | ParkedStore
  | FeedStore
  | AttentionStore
  | TimerStore
  | PeerBook
  | BanStore
  | PeerStore
  | HeaderStore
  | BlockStore
  | Records
  | Transactions
  | SqlClient.SqlClient

/** Backups that a database keeps; of more, the oldest are dropped. */
export const maxSnapshots = 16

export interface SimulatedDatabase {
  /**
   * The stores over the database for one life of the node. What the life before left open is rolled back when they are
   * built. That may fail, as production's may.
   */
  readonly layer: (process: Process) => Layer.Layer<Stored, SqlError | MigrationFailed | SchemaUnknown>
  /** The process has died: its open transactions are rolled back, what is committed stays. */
  readonly crash: () => void
  /** A crash after which nothing is left. */
  readonly wipe: () => void
  /**
   * Takes a backup of what is committed; its number. The database keeps `maxSnapshots` of them. PGlite takes it once no
   * transaction is open.
   */
  readonly snapshot: () => number
  /** A crash after which all is as it was in a backup. One that is not kept any more is an error of the caller. */
  readonly restore: (snapshot: number) => void
  /** Nobody will restore this backup any more: it need not be kept. */
  readonly drop: (snapshot: number) => void
  /** From now on every statement and commit takes so many milliseconds longer, drawn for each; ends with what it returns. */
  readonly slow: (sample: () => number) => () => void
  /**
   * From now on this share of transactions fails, lone statements included, as if the connection had been lost: before
   * their commit took place, or after it. Drawn from a stream of the world, or from the one given. Ends with what it
   * returns.
   */
  readonly failing: (share: number, when: "before-commit" | "after-commit", random?: Rng) => () => void
  /** Every connection is lost, open transactions with them, and new ones fail for so long; ends with what it returns. */
  readonly restart: (forMillis: number) => () => void
  /**
   * Outermost transactions, lone statements included, that have been committed and have changed something (PGlite: could
   * have changed something, by their text).
   */
  readonly commits: number
  /**
   * Told at each of them, with their number so far, before whoever made it goes on. What it asks the world to do now
   * (`world.at(world.now, ...)`) is done before, too.
   */
  onCommit: ((commits: number) => void) | undefined
  /**
   * What it is made of, if that is memory: for tables of one's own (a `MemoryTable` in a `MemorySlot`), and to look into
   * it from outside with `log.committed`. `layer` provides it to the node as well.
   */
  readonly memory: MemoryDatabase["Service"] | undefined
}
