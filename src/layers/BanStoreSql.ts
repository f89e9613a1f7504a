/**
 * Bans on PostgreSQL and on the embedded database: the same statements on both.
 */
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { type Ban, Subject } from "../protocol/link/Ban.ts"
import { BanStore } from "../services/link/BanStore.ts"
import { Int8Number, reader } from "./SqlRow.ts"

const readRows = reader(
  Schema.Struct({
    subject: Subject,
    by_operator: Schema.Boolean,
    reason: Schema.String,
    since: Int8Number,
    until: Schema.NullOr(Int8Number),
    times: Schema.Int
  })
)

const banOf = ({ by_operator, reason, since, subject, times, until }: ReturnType<typeof readRows>[number]): Ban => ({
  subject,
  by: by_operator ? "operator" : "rule",
  reason,
  since,
  ...(until === null ? {} : { until }),
  times
})

export const layer: Layer.Layer<BanStore, never, SqlClient.SqlClient> = Layer.effect(
  BanStore,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    return BanStore.of({
      all: (limit) =>
        Effect.map(
          sql`SELECT * FROM holdfast_bans ORDER BY by_operator DESC, until DESC NULLS FIRST LIMIT ${limit}`,
          (rows) => readRows(rows).map(banOf)
        ),
      put: (bans) =>
        Effect.asVoid(sql`
          INSERT INTO holdfast_bans (subject, by_operator, reason, since, until, times)
          SELECT subject, by_operator, reason, since, nullif(until, -1), times FROM unnest(
            ${bans.map(({ subject }) => subject)}::text[], ${bans.map(({ by }) => by === "operator")}::boolean[],
            ${bans.map(({ reason }) => reason)}::text[], ${bans.map(({ since }) => BigInt(since))}::bigint[],
            ${bans.map(({ until }) => BigInt(until ?? -1))}::bigint[],
            ${bans.map(({ times }) => times)}::integer[]
          ) AS given(subject, by_operator, reason, since, until, times)
          ON CONFLICT (subject) DO UPDATE SET by_operator = excluded.by_operator, reason = excluded.reason,
            since = excluded.since, until = excluded.until, times = excluded.times`),
      remove: (subjects) => Effect.asVoid(sql`DELETE FROM holdfast_bans WHERE subject = ANY(${subjects}::text[])`)
    })
  })
)
