/**
 * Messages that have ended without their protocol, which could not take that in: kept until it can, or until an
 * operator drops them.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE holdfast_untold (
      id uuid PRIMARY KEY,
      peer text COLLATE "C" NOT NULL,
      protocol text COLLATE "C" NOT NULL,
      subject text COLLATE "C" NOT NULL,
      "end" json NOT NULL,
      at bigint NOT NULL,
      body bytea NOT NULL
    )`
})
