/**
 * Parked messages on PostgreSQL and on the embedded database: the same statements on both.
 */
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { MessageId } from "../protocol/delivery/Message.ts"
import { NodeKey } from "../protocol/NodeKey.ts"
import { ParkedStore } from "../services/delivery/ParkedStore.ts"
import { Int8Number, reader, single } from "./SqlRow.ts"

const readMessages = reader(
  Schema.Struct({
    peer: NodeKey,
    id: MessageId,
    protocol: Schema.String,
    subject: Schema.String,
    bytes: Schema.Int,
    why: Schema.String,
    at: Int8Number
  })
)
const readTaken = reader(Schema.Struct({ protocol: Schema.String, subject: Schema.String, body: Schema.Uint8Array }))
const readPeers = reader(Schema.Struct({ peer: NodeKey }))
const readCount = single(Schema.Struct({ count: Int8Number }))

/** The stream of what no stream has brought. */
export const noStream = "00000000-0000-0000-0000-000000000000"

export const layer: Layer.Layer<ParkedStore, never, SqlClient.SqlClient> = Layer.effect(
  ParkedStore,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const all = sql.literal("true")

    return ParkedStore.of({
      list: ({ after, limit, peer }) =>
        Effect.map(
          sql`
            SELECT peer, id, protocol, subject, octet_length(body) AS bytes, why, at FROM holdfast_parked
            WHERE ${peer === undefined ? all : sql`peer = ${peer}`}
              AND ${after === undefined ? all : sql`(id, peer) > (${after.id}::uuid, ${after.peer})`}
            ORDER BY id, peer LIMIT ${limit}`,
          readMessages
        ),

      peersOf: (id, limit) =>
        Effect.map(sql`SELECT peer FROM holdfast_parked WHERE id = ${id}::uuid ORDER BY peer LIMIT ${limit}`, (rows) =>
          readPeers(rows).map(({ peer }) => peer)
        ),

      // The link first, as who receives: in another order the two would wait for each other.
      take: Effect.fnUntraced(function* ({ id, peer }) {
        yield* sql`
          SELECT FROM holdfast_arrivals
          WHERE link = (SELECT id FROM holdfast_links WHERE peer = ${peer}) FOR UPDATE`
        const rows = yield* sql`
          SELECT protocol, subject, body FROM holdfast_parked WHERE peer = ${peer} AND id = ${id}::uuid FOR UPDATE`
        return readTaken(rows)[0]
      }),

      remember: ({ id, peer }, now) =>
        Effect.asVoid(sql`
          INSERT INTO holdfast_applied (link, stream, last_seq, at, superseded, ids)
          SELECT l.id, ${noStream}::uuid, 0, ${BigInt(now)}::bigint, true, ARRAY[${id}::uuid]
          FROM holdfast_links l WHERE l.peer = ${peer}`),

      remove: ({ id, peer }) =>
        Effect.map(
          sql`DELETE FROM holdfast_parked WHERE peer = ${peer} AND id = ${id}::uuid RETURNING id`,
          (rows) => rows.length > 0
        ),

      blame: ({ id, peer }, why) =>
        Effect.asVoid(sql`
          UPDATE holdfast_parked SET why = ${why.replaceAll("\u0000", "")}
          WHERE peer = ${peer} AND id = ${id}::uuid`),

      count: (limit) =>
        Effect.map(
          sql`SELECT count(*) AS count FROM (SELECT FROM holdfast_parked LIMIT ${limit}) AS counted`,
          (rows) => readCount(rows).count
        )
    })
  })
)
