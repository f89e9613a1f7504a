/**
 * The best chain of headers of each chain. `id` is the hash as it is displayed, `header` what the chain's rules make of it,
 * `weight` the weight of this header and all before it, the highest byte first.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE holdfast_chain_headers (
      chain text COLLATE "C" NOT NULL CHECK (length(chain) <= 80),
      height integer NOT NULL CHECK (height >= 0),
      id bytea NOT NULL CHECK (length(id) = 32),
      header bytea NOT NULL CHECK (length(header) BETWEEN 1 AND 256),
      weight bytea NOT NULL CHECK (length(weight) = 32),
      PRIMARY KEY (chain, height)
    )`
  yield* sql`CREATE UNIQUE INDEX holdfast_chain_headers_id ON holdfast_chain_headers (chain, id)`
})
