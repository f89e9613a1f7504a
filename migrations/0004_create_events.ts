/**
 * The feed: events without a position until they are published, and the newest position that was given.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE holdfast_feed (
      singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
      feed_id uuid NOT NULL,
      newest bigint NOT NULL DEFAULT 0
    ) WITH (fillfactor = 50)`
  yield* sql`
    CREATE TABLE holdfast_events (
      id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
      position bigint,
      at bigint NOT NULL,
      audience text COLLATE "C" NOT NULL,
      protocol text COLLATE "C" NOT NULL,
      subject text COLLATE "C" NOT NULL,
      kind text COLLATE "C" NOT NULL,
      body json NOT NULL
    )`
  yield* sql`CREATE INDEX holdfast_events_unpublished ON holdfast_events (id) WHERE position IS NULL`
  yield* sql`CREATE UNIQUE INDEX holdfast_events_position ON holdfast_events (position) WHERE position IS NOT NULL`
  yield* sql`
    CREATE INDEX holdfast_events_audience ON holdfast_events (audience, position) WHERE position IS NOT NULL`
})
