/**
 * Timers on PostgreSQL and on the embedded database: the same statements on both.
 *
 * `next_at` is a time of the wall clock until the time of a timer that was set to one has come, and of the steady time
 * otherwise (`steady`): the wall clock's and what it was ever set back by.
 */
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { type ClaimedTimer, type Now, TimerStore } from "../services/delivery/TimerStore.ts"
import { Int8Number, optional, reader, single } from "./SqlRow.ts"

const ClaimedRow = Schema.Struct({
  id: Schema.String,
  protocol: Schema.String,
  subject: Schema.String,
  payload: Schema.Uint8Array,
  attempts: Schema.Int,
  abandoned: Schema.Boolean,
  was_due: Int8Number
})
const readClaimed = reader(ClaimedRow)
const readViews = reader(
  Schema.Struct({
    id: Schema.String,
    protocol: Schema.String,
    subject: Schema.String,
    due_at: Int8Number,
    attempts: Schema.Int,
    claimed: Schema.Boolean,
    last_failure: Schema.NullOr(Schema.String)
  })
)
const readNext = single(Schema.Struct({ wait: Schema.NullOr(Int8Number), ahead: Int8Number }))

/** The rows of a claim come in any order. */
const inOrder = (rows: ReadonlyArray<typeof ClaimedRow.Type>): ReadonlyArray<ClaimedTimer> =>
  rows.toSorted((a, b) => a.was_due - b.was_due || (a.id < b.id ? -1 : 1)).map(({ was_due: _was, ...timer }) => timer)

export const layer: Layer.Layer<TimerStore, never, SqlClient.SqlClient> = Layer.effect(
  TimerStore,
  Effect.map(SqlClient.SqlClient, (sql) => {
    const wall = (now: Now) => sql`${BigInt(now.wall)}::bigint`
    const steady = (now: Now, wait = 0) => sql`${BigInt(now.steady + wait)}::bigint`
    const some = (rows: ReadonlyArray<unknown>) => rows.length > 0

    return TimerStore.of({
      set: ({ due, id, payload, protocol, subject }, now) => {
        const waits = "in" in due
        const dueAt = waits ? now.wall + due.in : due.at
        const next = BigInt(waits ? now.steady + due.in : due.at)
        return Effect.map(
          sql`
            INSERT INTO holdfast_timers (id, protocol, subject, due_at, next_at, steady, payload)
            VALUES (${id}, ${protocol}, ${subject}, ${BigInt(dueAt)}, ${next}, ${waits}, ${payload}::bytea)
            ON CONFLICT (id) DO UPDATE
            SET subject = excluded.subject, due_at = excluded.due_at, next_at = excluded.next_at,
              steady = excluded.steady, attempts = 0, holder = NULL, last_failure = NULL, payload = excluded.payload
            WHERE holdfast_timers.protocol = excluded.protocol
            RETURNING id`,
          some
        )
      },

      cancel: (id) => Effect.map(sql`DELETE FROM holdfast_timers WHERE id = ${id} RETURNING id`, some),

      next: (now) =>
        Effect.map(
          sql`
            SELECT least(
              (SELECT min(next_at) FROM holdfast_timers WHERE steady) - ${steady(now)},
              (SELECT min(next_at) FROM holdfast_timers WHERE NOT steady) - ${wall(now)}
            ) AS wait, coalesce((SELECT ahead FROM holdfast_steady_time), 0) AS ahead`,
          (rows) => {
            const { ahead, wait } = readNext(rows)
            return { ahead, wait: optional(wait) }
          }
        ),

      claim: (holder, { lease, limit, now }) =>
        Effect.map(
          sql`
            WITH due AS MATERIALIZED (
              SELECT id, next_at, holder IS NOT NULL AS abandoned FROM holdfast_timers
              WHERE (steady AND next_at <= ${steady(now)}) OR (NOT steady AND next_at <= ${wall(now)})
              ORDER BY next_at, id LIMIT ${limit} FOR UPDATE SKIP LOCKED
            ), first AS (
              SELECT id, abandoned FROM due ORDER BY next_at, id LIMIT 1
            )
            UPDATE holdfast_timers t
            SET holder = ${holder}::uuid, attempts = t.attempts + 1, steady = true,
              next_at = CASE WHEN t.attempts + 1 >= ${lease.poisonAttempts}
                THEN ${steady(now, lease.longest)} ELSE ${steady(now, lease.millis)} END
            FROM due, first
            WHERE t.id = due.id AND (t.id = first.id OR NOT (due.abandoned OR first.abandoned))
            RETURNING t.id, t.protocol, t.subject, t.payload, t.attempts, due.abandoned, due.next_at AS was_due`,
          (rows) => inOrder(readClaimed(rows))
        ),

      finish: (id, holder) =>
        Effect.map(sql`DELETE FROM holdfast_timers WHERE id = ${id} AND holder = ${holder}::uuid RETURNING id`, some),

      fail: (id, holder, { failure, now, wait }) =>
        Effect.map(
          sql`
            UPDATE holdfast_timers
            SET holder = NULL, next_at = ${steady(now, wait)}, last_failure = ${failure}
            WHERE id = ${id} AND holder = ${holder}::uuid RETURNING id`,
          some
        ),

      free: (now, poisonAttempts) =>
        Effect.map(
          sql`
            UPDATE holdfast_timers SET next_at = ${steady(now)}
            WHERE holder IS NOT NULL AND attempts < ${poisonAttempts} AND next_at > ${steady(now)}
            RETURNING id`,
          (rows) => rows.length
        ),

      setAhead: (millis) =>
        Effect.asVoid(sql`
          INSERT INTO holdfast_steady_time AS s (ahead) VALUES (${BigInt(millis)})
          ON CONFLICT (singleton) DO UPDATE SET ahead = greatest(s.ahead, excluded.ahead)`),

      list: (limit, protocol) =>
        Effect.map(
          sql`
            SELECT id, protocol, subject, due_at, attempts, holder IS NOT NULL AS claimed, last_failure
            FROM holdfast_timers WHERE ${protocol === undefined ? sql.literal("true") : sql`protocol = ${protocol}`}
            ORDER BY due_at, id LIMIT ${limit}`,
          (rows) =>
            readViews(rows).map(({ due_at: dueAt, last_failure: failure, ...timer }) => ({
              ...timer,
              dueAt,
              lastFailure: optional(failure)
            }))
        )
    })
  })
)
