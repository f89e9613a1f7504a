/**
 * Known Bitcoin nodes on PostgreSQL and on the embedded database: the same statements on both.
 */
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Endpoint } from "../protocol/Address.ts"
import { type KnownPeer, PeersKept, PeerStore, Status } from "../services/bitcoin/PeerStore.ts"
import { Int8Number, reader } from "./SqlRow.ts"

const readPeers = reader(
  Schema.Struct({
    host: Schema.String,
    port: Schema.Int,
    status: Status,
    since: Int8Number,
    reason: Schema.NullOr(Schema.String)
  })
)
const readEndpoints = reader(Schema.Struct({ host: Schema.String, port: Schema.Int }))
const readCounts = reader(Schema.Struct({ status: Status, peers: Int8Number }))

const peerOf = ({ host, port, reason, since, status }: ReturnType<typeof readPeers>[number]): KnownPeer => ({
  endpoint: new Endpoint({ host, port }),
  status,
  since,
  ...(reason === null ? {} : { reason })
})

export const layer: Layer.Layer<PeerStore, never, SqlClient.SqlClient> = Layer.effect(
  PeerStore,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const kept = yield* PeersKept

    /** Forgets who is too many. */
    const crowdOut = (network: string) => sql`
      DELETE FROM holdfast_bitcoin_peers WHERE (network, host, port) IN (
        SELECT network, host, port FROM holdfast_bitcoin_peers
        WHERE network = ${network} AND status IN ('Inaccessible', 'Unknown')
        ORDER BY status, since, host, port
        LIMIT greatest(0, (SELECT count(*) FROM holdfast_bitcoin_peers WHERE network = ${network}) - ${kept})
        FOR UPDATE SKIP LOCKED
      )`

    return PeerStore.of({
      find: (network, { host, port }) =>
        Effect.map(
          sql`SELECT * FROM holdfast_bitcoin_peers WHERE network = ${network} AND host = ${host} AND port = ${port}`,
          (rows) => readPeers(rows).map(peerOf)[0]
        ),
      list: (network, { limit, status }) =>
        Effect.map(
          sql`
            SELECT * FROM holdfast_bitcoin_peers WHERE network = ${network}
            AND ${status === undefined ? sql`true` : sql`status = ${status}`}
            ORDER BY since DESC, host, port LIMIT ${limit}`,
          (rows) => readPeers(rows).map(peerOf)
        ),
      count: (network) =>
        Effect.map(
          sql`
            SELECT status, count(*) AS peers FROM holdfast_bitcoin_peers WHERE network = ${network} GROUP BY status`,
          (rows) => {
            const counts = { Valid: 0, Unknown: 0, Inaccessible: 0, Banned: 0 }
            for (const { peers, status } of readCounts(rows)) counts[status] = peers
            return counts
          }
        ),
      candidates: (network, limit) =>
        Effect.map(
          sql`
            (SELECT host, port FROM holdfast_bitcoin_peers WHERE network = ${network} AND status = 'Valid'
              ORDER BY since DESC, host, port LIMIT ${limit})
            UNION ALL
            (SELECT host, port FROM holdfast_bitcoin_peers WHERE network = ${network} AND status = 'Unknown'
              ORDER BY since, host, port LIMIT ${limit})
            LIMIT ${limit}`,
          (rows) => readEndpoints(rows).map((row) => new Endpoint(row))
        ),
      learn: Effect.fn("BitcoinPeers.learn")(function* (network, endpoints, now) {
        if (endpoints.length === 0) return 0
        const rows = yield* sql`
          INSERT INTO holdfast_bitcoin_peers (network, host, port, status, since)
          SELECT DISTINCT ${network}, host, port, 'Unknown', ${BigInt(now)}::bigint FROM unnest(
            ${endpoints.map(({ host }) => host)}::text[], ${endpoints.map(({ port }) => port)}::integer[]
          ) AS given(host, port)
          ON CONFLICT DO NOTHING RETURNING port`
        if (rows.length > 0) yield* crowdOut(network)
        return rows.length
      }),
      mark: (network, { endpoint: { host, port }, reason, since, status }) =>
        Effect.asVoid(sql`
          INSERT INTO holdfast_bitcoin_peers (network, host, port, status, since, reason)
          VALUES (${network}, ${host}, ${port}, ${status}, ${BigInt(since)}, ${reason ?? null})
          ON CONFLICT (network, host, port) DO UPDATE
          SET status = excluded.status, since = excluded.since, reason = excluded.reason`),
      forget: (network, { host, port }) =>
        Effect.map(
          sql`
            DELETE FROM holdfast_bitcoin_peers
            WHERE network = ${network} AND host = ${host} AND port = ${port} RETURNING port`,
          (rows) => rows.length > 0
        )
    })
  })
)
