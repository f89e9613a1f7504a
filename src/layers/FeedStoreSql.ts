/**
 * The feed's rows on PostgreSQL and on the embedded database: the same statements on both.
 *
 * Positions are given under the lock of the feed's one row, to rows whose transactions have committed, so they have no
 * gaps and no reader can miss a row that committed late. Bodies pass through JSON.
 */
import { Effect, Layer, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import { UuidText } from "../protocol/Cbor.ts"
import { FeedStore, type NewEvent } from "../services/delivery/FeedStore.ts"
import { Int8Number, reader, single } from "./SqlRow.ts"

const readFeed = single(Schema.Struct({ feed_id: UuidText }))
const readBounds = single(Schema.Struct({ oldest: Schema.BigInt, newest: Schema.BigInt }))
const readPublished = single(Schema.Struct({ published: Int8Number }))
const readEvents = reader(
  Schema.Struct({
    position: Schema.BigInt,
    at: Int8Number,
    audience: Schema.String,
    protocol: Schema.String,
    subject: Schema.String,
    kind: Schema.String,
    body: Schema.Unknown
  })
)

/** JSON has no undefined. */
const toJson = (body: unknown): string => JSON.stringify(body) ?? "null"

export const layer: Layer.Layer<FeedStore, SqlError, SqlClient.SqlClient | SecureRandom.SecureRandom> = Layer.effect(
  FeedStore,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const random = yield* SecureRandom.SecureRandom
    const { feed_id: feedId } = readFeed(
      yield* sql`
        INSERT INTO holdfast_feed (feed_id) VALUES (${yield* random.uuidV4()}::uuid)
        ON CONFLICT (singleton) DO UPDATE SET newest = holdfast_feed.newest
        RETURNING feed_id`
    )

    const append = (events: ReadonlyArray<NewEvent>, now: number) =>
      events.length === 0
        ? Effect.void
        : Effect.asVoid(sql`
            INSERT INTO holdfast_events (at, audience, protocol, subject, kind, body)
            SELECT ${BigInt(now)}::bigint, audience, protocol, subject, kind, body::json
            FROM unnest(
              ${events.map(({ audience }) => audience)}::text[], ${events.map(({ protocol }) => protocol)}::text[],
              ${events.map(({ subject }) => subject)}::text[], ${events.map(({ kind }) => kind)}::text[],
              ${events.map(({ body }) => toJson(body))}::text[]
            ) WITH ORDINALITY AS given(audience, protocol, subject, kind, body, n)
            ORDER BY n`)

    const publish = (limit: number) =>
      Effect.map(
        sql`
          WITH feed AS MATERIALIZED (
            SELECT newest FROM holdfast_feed FOR UPDATE
          ), next AS MATERIALIZED (
            SELECT id FROM holdfast_events
            WHERE position IS NULL AND (SELECT newest FROM feed) IS NOT NULL
            ORDER BY id LIMIT ${limit} FOR UPDATE
          ), taken AS MATERIALIZED (
            SELECT array_agg(id ORDER BY id) AS ids FROM next
          ), numbered AS (
            UPDATE holdfast_events e
            SET position = (SELECT newest FROM feed) + width_bucket(e.id, (SELECT ids FROM taken))
            WHERE e.position IS NULL AND e.id = ANY((SELECT ids FROM taken)::bigint[])
          ), moved AS (
            UPDATE holdfast_feed SET newest = newest + cardinality((SELECT ids FROM taken))
            WHERE (SELECT ids FROM taken) IS NOT NULL
          )
          SELECT coalesce(cardinality(ids), 0)::bigint AS published FROM taken`,
        (rows) => readPublished(rows).published
      )

    return FeedStore.of({
      feedId,
      append,
      publish,
      after: (position, limit, audience) =>
        Effect.map(
          sql`
            SELECT position, at, audience, protocol, subject, kind, body FROM holdfast_events
            WHERE position IS NOT NULL AND position > ${position}
              AND ${audience === undefined ? sql.literal("true") : sql`audience = ${audience}`}
            ORDER BY position LIMIT ${limit}`,
          readEvents
        ),
      bounds: Effect.map(
        sql`
          SELECT newest, coalesce(
            (SELECT min(position) FROM holdfast_events WHERE position IS NOT NULL),
            CASE WHEN newest = 0 THEN 0 ELSE newest + 1 END
          ) AS oldest
          FROM holdfast_feed`,
        readBounds
      ),
      // Only from the old end, so that what is left has no gaps either.
      prune: (before, limit) =>
        Effect.map(
          sql`
            WITH first AS (
              SELECT position, at FROM holdfast_events WHERE position IS NOT NULL ORDER BY position LIMIT ${limit}
            )
            DELETE FROM holdfast_events WHERE position IS NOT NULL AND position <= (
              SELECT coalesce(min(position) FILTER (WHERE at >= ${BigInt(before)}::bigint) - 1, max(position)) FROM first
            ) RETURNING id`,
          (rows) => rows.length
        )
    })
  })
)
