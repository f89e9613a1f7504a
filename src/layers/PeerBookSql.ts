/**
 * The peer book on PostgreSQL and on the embedded database: the same statements on both.
 */
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import { Endpoint } from "../protocol/Address.ts"
import { NodeKey } from "../protocol/NodeKey.ts"
import { Alternatives } from "../services/link/Alternatives.ts"
import { type BookEntry, PeerBook, sources, StrangersKept } from "../services/link/PeerBook.ts"
import { Int8Number, optional, reader } from "./SqlRow.ts"

const Row = Schema.Struct({
  peer: NodeKey,
  host: Schema.NullOr(Schema.String),
  port: Schema.NullOr(Schema.Int),
  rank: Schema.NullOr(Schema.Int),
  wanted: Schema.Boolean,
  last_connected_at: Schema.NullOr(Int8Number)
})
const readRows = reader(Row)

const readNew = reader(Schema.Struct({ fresh: Schema.Boolean }))

const entryOf = ({ peer, host, port, rank, wanted, last_connected_at }: typeof Row.Type): BookEntry => ({
  peer,
  endpoint: host === null || port === null ? undefined : new Endpoint({ host, port }),
  source: rank === null ? undefined : sources[rank],
  wanted,
  lastConnectedAt: optional(last_connected_at)
})

export const layer: Layer.Layer<PeerBook, never, SqlClient.SqlClient> = Layer.effect(
  PeerBook,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const kept = yield* StrangersKept
    const alternatives = new Alternatives()

    /** Forgets strangers beyond the limit. Only who is about to go is looked at for what is owed, not the whole outbox. */
    const forget = (unless: NodeKey) => sql`
      DELETE FROM holdfast_peers WHERE peer IN (
        SELECT p.peer FROM holdfast_peers p
        WHERE NOT p.wanted AND p.peer <> ${unless} AND coalesce(
          (SELECT true FROM holdfast_outbox o WHERE o.link = (SELECT id FROM holdfast_links WHERE peer = p.peer) AND o.seq IS NULL AND NOT o.waiting LIMIT 1),
          (SELECT true FROM holdfast_outbox o WHERE o.link = (SELECT id FROM holdfast_links WHERE peer = p.peer) AND o.seq IS NOT NULL LIMIT 1),
          (SELECT true FROM holdfast_outbox o WHERE o.link = (SELECT id FROM holdfast_links WHERE peer = p.peer) AND o.waiting LIMIT 1)
        ) IS NULL
        ORDER BY p.last_connected_at NULLS FIRST
        LIMIT greatest(0, (SELECT count(*) FROM holdfast_peers WHERE NOT wanted) - ${kept})
        FOR UPDATE SKIP LOCKED
      )`

    /** After a statement that tells whether it has noted a new peer. */
    const noted = (peer: NodeKey, rows: Effect.Effect<ReadonlyArray<object>, SqlError>) =>
      Effect.flatMap(rows, (rows) => (readNew(rows)[0]?.fresh === true ? Effect.asVoid(forget(peer)) : Effect.void))

    return PeerBook.of({
      find: (peer) =>
        Effect.map(sql`SELECT * FROM holdfast_peers WHERE peer = ${peer}`, (rows) => {
          const entry = readRows(rows).map(entryOf)[0]
          return entry && { ...entry, ...alternatives.of(peer, entry.endpoint) }
        }),
      list: (limit) =>
        Effect.map(sql`SELECT * FROM holdfast_peers ORDER BY peer LIMIT ${limit}`, (rows) =>
          readRows(rows).map(entryOf)
        ),
      wanted: (limit) =>
        Effect.map(sql`SELECT * FROM holdfast_peers WHERE wanted ORDER BY peer LIMIT ${limit}`, (rows) =>
          readRows(rows).map(entryOf)
        ),
      want: (peer, endpoint) =>
        Effect.asVoid(
          endpoint === undefined
            ? sql`
                INSERT INTO holdfast_peers (peer, wanted) VALUES (${peer}, true)
                ON CONFLICT (peer) DO UPDATE SET wanted = true`
            : sql`
                INSERT INTO holdfast_peers (peer, wanted, host, port, rank)
                VALUES (${peer}, true, ${endpoint.host}, ${endpoint.port}, ${sources.indexOf("configured")})
                ON CONFLICT (peer) DO UPDATE
                SET wanted = true, host = excluded.host, port = excluded.port, rank = excluded.rank`
        ),
      unwant: (peer) => Effect.asVoid(sql`UPDATE holdfast_peers SET wanted = false WHERE peer = ${peer}`),
      learn: (peer, endpoint, source) =>
        noted(
          peer,
          sql`
          INSERT INTO holdfast_peers (peer, host, port, rank)
          VALUES (${peer}, ${endpoint.host}, ${endpoint.port}, ${sources.indexOf(source)})
          ON CONFLICT (peer) DO UPDATE SET host = excluded.host, port = excluded.port, rank = excluded.rank
          WHERE holdfast_peers.rank IS NULL OR excluded.rank <= holdfast_peers.rank
          RETURNING xmax = 0 AS fresh`.pipe(
            Effect.tap((rows) =>
              Effect.sync(() => {
                if (rows.length > 0) alternatives.forget(peer)
                else alternatives.note(peer, endpoint)
              })
            )
          )
        ),
      connected: (peer, now) =>
        noted(
          peer,
          sql`
          INSERT INTO holdfast_peers (peer, last_connected_at) VALUES (${peer}, ${BigInt(now)}::bigint)
          ON CONFLICT (peer) DO UPDATE SET last_connected_at = excluded.last_connected_at
          RETURNING xmax = 0 AS fresh`
        )
    })
  })
)
