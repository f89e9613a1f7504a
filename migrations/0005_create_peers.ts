/**
 * The peer book. `rank` says how the address became known: 0 configured, 1 verified, 2 advertised. The wanted peers
 * have an index of their own, for the others may be many; these have one in the order in which they are forgotten.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE holdfast_peers (
      peer text COLLATE "C" PRIMARY KEY,
      host text,
      port integer,
      rank smallint CHECK (rank BETWEEN 0 AND 2),
      wanted boolean NOT NULL DEFAULT false,
      last_connected_at bigint,
      CHECK ((host IS NULL) = (port IS NULL) AND (host IS NULL) = (rank IS NULL))
    )`
  yield* sql`CREATE INDEX holdfast_peers_wanted ON holdfast_peers (peer) WHERE wanted`
  yield* sql`
    CREATE INDEX holdfast_peers_strangers ON holdfast_peers (last_connected_at NULLS FIRST) WHERE NOT wanted`
})
