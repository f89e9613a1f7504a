/**
 * Timers of protocols until their effect, and how far the time that waits go by is ahead of the wall clock.
 *
 * `due_at` is for people: when the timer was to be due. `next_at` says when it is looked at next: at its time, after
 * the lease of who has claimed it, or after a failure. An index each for the two kinds of time that it can be.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE holdfast_timers (
      id text COLLATE "C" PRIMARY KEY,
      protocol text COLLATE "C" NOT NULL,
      subject text COLLATE "C" NOT NULL,
      due_at bigint NOT NULL,
      next_at bigint NOT NULL,
      steady boolean NOT NULL,
      attempts integer NOT NULL DEFAULT 0,
      holder uuid,
      last_failure text,
      payload bytea NOT NULL
    ) WITH (
      autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0
    )`
  yield* sql`CREATE INDEX holdfast_timers_steady ON holdfast_timers (next_at, id) WHERE steady`
  yield* sql`CREATE INDEX holdfast_timers_wall ON holdfast_timers (next_at, id) WHERE NOT steady`
  yield* sql`
    CREATE TABLE holdfast_steady_time (
      singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
      ahead bigint NOT NULL
    )`
})
