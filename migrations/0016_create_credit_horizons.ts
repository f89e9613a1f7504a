/** Until when a referee may have forgotten what it has signed, its database having been restored: one row at the most. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql.unsafe(
    `CREATE TABLE credit_horizons (key text COLLATE "C" PRIMARY KEY, content json NOT NULL)
     WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0)`
  )
})
