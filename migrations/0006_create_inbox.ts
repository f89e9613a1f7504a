/**
 * Notes that have arrived. No key on the sender's id: that a note is stored once is the delivery's promise.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE inbox (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      peer text NOT NULL,
      message_id uuid NOT NULL,
      text text NOT NULL,
      received_at bigint NOT NULL
    )`
})
