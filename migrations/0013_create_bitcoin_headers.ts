/**
 * The best chain of headers of each Bitcoin network. `id` is the hash as it is on the wire, `weight` the work of this header
 * and all before it, the highest byte first.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE holdfast_bitcoin_headers (
      network text COLLATE "C" NOT NULL,
      height integer NOT NULL CHECK (height >= 0),
      id bytea NOT NULL CHECK (length(id) = 32),
      header bytea NOT NULL CHECK (length(header) = 80),
      weight bytea NOT NULL CHECK (length(weight) = 32),
      PRIMARY KEY (network, height)
    )`
  yield* sql`CREATE UNIQUE INDEX holdfast_bitcoin_headers_id ON holdfast_bitcoin_headers (network, id)`
})
