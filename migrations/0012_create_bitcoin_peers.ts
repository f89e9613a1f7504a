/**
 * Bitcoin nodes that are known, of each network, and what came of the last attempt. The index has them in the order in
 * which they are dialled, listed and forgotten.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE holdfast_bitcoin_peers (
      network text COLLATE "C" NOT NULL,
      host text COLLATE "C" NOT NULL,
      port integer NOT NULL CHECK (port BETWEEN 0 AND 65535),
      status text COLLATE "C" NOT NULL CHECK (status IN ('Valid', 'Unknown', 'Inaccessible', 'Banned')),
      since bigint NOT NULL,
      reason text,
      PRIMARY KEY (network, host, port)
    )`
  yield* sql`CREATE INDEX holdfast_bitcoin_peers_status ON holdfast_bitcoin_peers (network, status, since)`
})
