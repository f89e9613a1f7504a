/**
 * Every migration, by number. One that has been released never changes; a change of the tables is a new one.
 */
import type { Effect } from "effect"
import type { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import createLinks from "./0001_create_links.ts"
import createOutbox from "./0002_create_outbox.ts"
import createReceipts from "./0003_create_receipts.ts"
import createEvents from "./0004_create_events.ts"
import createPeers from "./0005_create_peers.ts"
import createInbox from "./0006_create_inbox.ts"
import createOwner from "./0007_create_owner.ts"
import createBans from "./0008_create_bans.ts"
import createLease from "./0009_create_lease.ts"
import createTimers from "./0010_create_timers.ts"
import createUntold from "./0011_create_untold.ts"
import createBitcoinPeers from "./0012_create_bitcoin_peers.ts"
import createChainHeaders from "./0013_create_chain_headers.ts"
import createChainBlocks from "./0014_create_chain_blocks.ts"
import createCredit from "./0015_create_credit.ts"
import createCreditHorizons from "./0016_create_credit_horizons.ts"
import indexRefusedLifts from "./0017_index_refused_lifts.ts"

/** Name to effect: four digits, what it does. Run by `holdfast/layers/Migrations`. */
export const migrations: Readonly<Record<string, Effect.Effect<void, SqlError, SqlClient.SqlClient>>> = {
  "0001_create_links": createLinks,
  "0002_create_outbox": createOutbox,
  "0003_create_receipts": createReceipts,
  "0004_create_events": createEvents,
  "0005_create_peers": createPeers,
  "0006_create_inbox": createInbox,
  "0007_create_owner": createOwner,
  "0008_create_bans": createBans,
  "0009_create_lease": createLease,
  "0010_create_timers": createTimers,
  "0011_create_untold": createUntold,
  "0012_create_bitcoin_peers": createBitcoinPeers,
  "0013_create_chain_headers": createChainHeaders,
  "0014_create_chain_blocks": createChainBlocks,
  "0015_create_credit": createCredit,
  "0016_create_credit_horizons": createCreditHorizons,
  "0017_index_refused_lifts": indexRefusedLifts
}
