/**
 * Messages until they are settled.
 *
 * `place` is the order of sending, `seq` the number in the link's stream. A row is in one of three partial indexes:
 * ready to be numbered, numbered, or waiting for its time; what does not wait costs nothing there. No foreign key: the
 * check would lock the link's row in every sender's transaction. The file keeps its size when it is cleaned up: the
 * planner judges by it, and would plan for a table that fits one page just before a million rows arrive.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE holdfast_outbox (
      place bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
      id uuid NOT NULL,
      link integer NOT NULL,
      attempts integer NOT NULL DEFAULT 0,
      seq bigint,
      created_at bigint NOT NULL,
      due_at bigint NOT NULL,
      deadline bigint,
      put_off integer NOT NULL DEFAULT 0,
      waiting boolean NOT NULL DEFAULT false,
      void boolean NOT NULL DEFAULT false,
      protocol text COLLATE "C" NOT NULL,
      subject text COLLATE "C" NOT NULL,
      last_outcome text,
      body bytea NOT NULL
    ) WITH (
      vacuum_truncate = false,
      autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0
    )`
  // Bodies live for moments: compressing them costs more than the room they take.
  yield* sql`ALTER TABLE holdfast_outbox ALTER COLUMN body SET STORAGE EXTERNAL`
  yield* sql`CREATE UNIQUE INDEX holdfast_outbox_id ON holdfast_outbox (id)`
  yield* sql`CREATE INDEX holdfast_outbox_ready ON holdfast_outbox (link, place) WHERE seq IS NULL AND NOT waiting`
  yield* sql`CREATE INDEX holdfast_outbox_numbered ON holdfast_outbox (link, seq) WHERE seq IS NOT NULL`
  yield* sql`CREATE INDEX holdfast_outbox_due ON holdfast_outbox (link, due_at) WHERE waiting`
  yield* sql`
    CREATE INDEX holdfast_outbox_behind ON holdfast_outbox (link, protocol, subject, place) WHERE waiting`
  yield* sql`
    CREATE INDEX holdfast_outbox_deadline ON holdfast_outbox (deadline) WHERE deadline IS NOT NULL AND NOT void`
})
