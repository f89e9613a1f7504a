/**
 * Making due in SQL what waits for its time.
 */
import { Effect, Schema } from "effect"
import type { SqlClient } from "effect/sql"
import type { RetryStore } from "../../services/delivery/RetryStore.ts"
import { single } from "../SqlRow.ts"

const readHastened = single(Schema.Struct({ messages: Schema.Int }))

export const make = (sql: SqlClient.SqlClient): Pick<RetryStore["Service"], "hasten" | "hastenAll"> => ({
  hasten: (id, now) =>
    Effect.map(
      sql`
        WITH message AS (
          SELECT link, protocol, subject, place FROM holdfast_outbox WHERE id = ${id}::uuid AND seq IS NULL
        ), head AS (
          SELECT min(w.place) AS place FROM holdfast_outbox w
          WHERE w.link = (SELECT link FROM message) AND w.protocol = (SELECT protocol FROM message)
            AND w.subject = (SELECT subject FROM message) AND w.place <= (SELECT place FROM message)
            AND w.waiting AND w.due_at > ${BigInt(now)}::bigint
        )
        UPDATE holdfast_outbox w SET due_at = ${BigInt(now)}::bigint
        WHERE w.link = (SELECT link FROM message) AND w.protocol = (SELECT protocol FROM message)
          AND w.subject = (SELECT subject FROM message) AND w.place >= (SELECT place FROM head)
          AND w.waiting AND w.due_at > ${BigInt(now)}::bigint
        RETURNING w.id`,
      (rows) => rows.length > 0
    ),

  hastenAll: (now, sentAfter = -1) =>
    Effect.map(
      sql`
        WITH hastened AS (
          UPDATE holdfast_outbox SET due_at = ${BigInt(now)}::bigint
          WHERE waiting AND due_at > ${BigInt(now)}::bigint
            AND EXISTS (SELECT 1 FROM holdfast_outbox WHERE waiting AND created_at > ${BigInt(sentAfter)}::bigint)
          RETURNING 1
        )
        SELECT count(*)::int AS messages FROM hastened`,
      (rows) => readHastened(rows).messages
    )
})
