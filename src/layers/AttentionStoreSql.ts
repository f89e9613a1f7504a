/**
 * What needs attention on PostgreSQL and on the embedded database: the same statements on both.
 */
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { MessageId } from "../protocol/delivery/Message.ts"
import { NodeKey } from "../protocol/NodeKey.ts"
import { AttentionStore, End, maxUntold } from "../services/delivery/AttentionStore.ts"
import { Int8Number, reader } from "./SqlRow.ts"

const readOwing = reader(
  Schema.Struct({
    peer: NodeKey,
    messages: Int8Number,
    since: Int8Number,
    attempts: Schema.Int,
    addressed: Schema.Boolean
  })
)
const EndJson = Schema.toCodecJson(Schema.toType(End))
const readUntold = reader(
  Schema.Struct({
    id: MessageId,
    peer: NodeKey,
    protocol: Schema.String,
    subject: Schema.String,
    end: EndJson,
    at: Int8Number
  })
)
const readBodies = reader(Schema.Struct({ body: Schema.Uint8Array }))
const encodeEnd = Schema.encodeSync(Schema.fromJsonString(EndJson))

export const layer: Layer.Layer<AttentionStore, never, SqlClient.SqlClient> = Layer.effect(
  AttentionStore,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    return AttentionStore.of({
      owing: ({ attempts, before, limit }) =>
        Effect.map(
          sql`
            SELECT l.peer, o.messages, o.since, o.attempts, p.host IS NOT NULL AS addressed
            FROM (
              SELECT link, count(*) AS messages, min(created_at) AS since, max(attempts) AS attempts
              FROM holdfast_outbox WHERE NOT void GROUP BY link
            ) AS o
            JOIN holdfast_links l ON l.id = o.link
            LEFT JOIN holdfast_peers p ON p.peer = l.peer
            WHERE o.since <= ${BigInt(before)}::bigint OR o.attempts > ${attempts} OR p.host IS NULL
            ORDER BY o.since, l.peer LIMIT ${limit}`,
          readOwing
        ),

      keep: ({ at, body, end, id, peer, protocol, subject }) =>
        Effect.asVoid(sql`
          INSERT INTO holdfast_untold (id, peer, protocol, subject, body, "end", at)
          SELECT ${id}::uuid, ${peer}, ${protocol}, ${subject}, ${body}::bytea, ${encodeEnd(end)}::json,
            ${BigInt(at)}::bigint
          WHERE (SELECT count(*) FROM holdfast_untold) < ${maxUntold}
          ON CONFLICT (id) DO UPDATE SET "end" = excluded."end", at = excluded.at`),

      untold: ({ after, limit }) =>
        Effect.map(
          sql`
            SELECT id, peer, protocol, subject, "end", at FROM holdfast_untold
            WHERE ${after === undefined ? sql.literal("true") : sql`id > ${after}::uuid`}
            ORDER BY id LIMIT ${limit}`,
          readUntold
        ),

      take: (id) =>
        Effect.map(
          sql`DELETE FROM holdfast_untold WHERE id = ${id}::uuid RETURNING body`,
          (rows) => readBodies(rows)[0]?.body
        )
    })
  })
)
