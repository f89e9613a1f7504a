/**
 * Who is kept out: a node key or a host, why, since when and until when; without `until` it is until an operator lifts
 * it. The index has them in the order in which they are read at the start.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE holdfast_bans (
      subject text COLLATE "C" PRIMARY KEY,
      by_operator boolean NOT NULL,
      reason text NOT NULL,
      since bigint NOT NULL,
      until bigint,
      times integer NOT NULL CHECK (times >= 0),
      CHECK (by_operator OR until IS NOT NULL)
    )`
  yield* sql`CREATE INDEX holdfast_bans_importance ON holdfast_bans (by_operator DESC, until DESC NULLS FIRST)`
})
