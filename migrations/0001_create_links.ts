/**
 * The database's own facts, and one row per link and direction.
 *
 * A link has a row for each way because the receiving one stays locked while handlers run, and sending must not wait
 * for them. Both carry the epoch, so that every write checks it in the same statement. Their pages keep room for the
 * next version of each row, and no index names a column that changes.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE holdfast_node (
      singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
      database_id uuid NOT NULL,
      incarnation bigint NOT NULL
    )`
  yield* sql`
    CREATE TABLE holdfast_links (
      id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      peer text COLLATE "C" NOT NULL UNIQUE,
      epoch bigint NOT NULL DEFAULT 0,
      stream uuid,
      last bigint NOT NULL DEFAULT 0,
      receipted bigint NOT NULL DEFAULT 0,
      receipted_before bigint NOT NULL DEFAULT 0
    ) WITH (fillfactor = 50)`
  yield* sql`
    CREATE TABLE holdfast_arrivals (
      link integer PRIMARY KEY,
      epoch bigint NOT NULL,
      stream uuid,
      position bigint NOT NULL DEFAULT 0,
      seen bigint NOT NULL DEFAULT 0,
      received_before bigint NOT NULL DEFAULT 0,
      duplicates bigint NOT NULL DEFAULT 0,
      restarted boolean NOT NULL DEFAULT false,
      held integer NOT NULL DEFAULT 0,
      fruitless integer NOT NULL DEFAULT 0,
      suspect uuid,
      accused integer NOT NULL DEFAULT 0
    ) WITH (fillfactor = 50)`
})
