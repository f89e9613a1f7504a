/**
 * The blocks that have been applied, of each chain, by height, and the tip of each. `body` is null once it was pruned, which
 * is so below `bodies_from`: whoever prunes goes on there, and does not look at what was pruned before.
 *
 * Ids come first in their index, because they differ in their first bytes: that takes a quarter off the time of an insert.
 * Whoever changes the blocks of a chain holds the row of its tip. Bodies are not compressed: they are often signatures and
 * hashes, and trying takes longer than writing.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE holdfast_chain_blocks (
      chain text COLLATE "C" NOT NULL,
      height integer NOT NULL CHECK (height >= 0),
      id bytea NOT NULL CHECK (length(id) = 32),
      header bytea NOT NULL CHECK (length(header) BETWEEN 1 AND 256),
      body bytea,
      PRIMARY KEY (chain, height)
    )`
  yield* sql`ALTER TABLE holdfast_chain_blocks ALTER COLUMN body SET STORAGE EXTERNAL`
  yield* sql`CREATE UNIQUE INDEX holdfast_chain_blocks_id ON holdfast_chain_blocks (id, chain)`
  yield* sql`
    CREATE TABLE holdfast_chain_tips (
      chain text COLLATE "C" PRIMARY KEY,
      height integer NOT NULL CHECK (height >= 0),
      id bytea NOT NULL CHECK (length(id) = 32),
      bodies_from integer NOT NULL CHECK (bodies_from BETWEEN 0 AND height + 1)
    )`
})
