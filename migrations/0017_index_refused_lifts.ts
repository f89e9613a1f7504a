/**
 * An index of the lifts that a node has refused to others, by who has come with them: how many are kept for one node is bounded. Those that were
 * refused before do not say who that was, and are not counted.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql.unsafe(`ALTER TABLE credit_lifts ADD COLUMN by_refused text COLLATE "C"`)
  yield* sql.unsafe("CREATE INDEX credit_lifts_by_refused ON credit_lifts (by_refused) WHERE by_refused IS NOT NULL")
})
