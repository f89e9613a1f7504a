/**
 * What the receiver keeps: answers that the sender may not have yet, ids that were applied, ids that wait here, and
 * messages that nobody could handle.
 *
 * Applied ids take one row per batch. They are searched only after a change of stream, so only those of streams that
 * are over have an index by id.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE holdfast_outcomes (
      link integer NOT NULL,
      seq bigint NOT NULL,
      id uuid NOT NULL,
      outcome json NOT NULL,
      PRIMARY KEY (link, seq)
    )`
  yield* sql`
    CREATE TABLE holdfast_applied (
      link integer NOT NULL,
      stream uuid NOT NULL,
      last_seq bigint NOT NULL,
      at bigint NOT NULL,
      superseded boolean NOT NULL DEFAULT false,
      ids uuid[] NOT NULL
    ) WITH (toast_tuple_target = 8160)`
  // Random ids do not compress.
  yield* sql`ALTER TABLE holdfast_applied ALTER COLUMN ids SET STORAGE EXTERNAL`
  yield* sql`CREATE INDEX holdfast_applied_at ON holdfast_applied (at)`
  yield* sql`CREATE INDEX holdfast_applied_current ON holdfast_applied (link) WHERE NOT superseded`
  yield* sql`CREATE INDEX holdfast_applied_superseded ON holdfast_applied USING gin (ids) WHERE superseded`
  yield* sql`
    CREATE TABLE holdfast_held (
      place bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
      link integer NOT NULL,
      id uuid NOT NULL,
      protocol text COLLATE "C" NOT NULL,
      subject text COLLATE "C" NOT NULL,
      seq bigint NOT NULL,
      PRIMARY KEY (link, id)
    )`
  yield* sql`
    CREATE TABLE holdfast_parked (
      peer text COLLATE "C" NOT NULL,
      id uuid NOT NULL,
      protocol text NOT NULL,
      subject text NOT NULL,
      body bytea NOT NULL,
      why text NOT NULL,
      at bigint NOT NULL,
      PRIMARY KEY (peer, id)
    )`
})
