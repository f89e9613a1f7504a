/**
 * Which process owns the node, for which term, and until when unless it says more: one row, renewed all the time, so
 * its page keeps room for the next version.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE holdfast_lease (
      only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
      agent uuid NOT NULL,
      term bigint NOT NULL,
      lease_until timestamptz NOT NULL,
      given_up boolean NOT NULL
    ) WITH (fillfactor = 20)`
})
