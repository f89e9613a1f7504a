/**
 * Which node the database belongs to: one row, written at the first start and never changed.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE holdfast_owner (
      only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
      node text NOT NULL
    )`
})
