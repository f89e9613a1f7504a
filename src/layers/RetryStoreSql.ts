/**
 * The retry store on PostgreSQL and on the embedded database: the same statements on both.
 *
 * It needs the tables of the migrations. Every write of a link checks its epoch in the statement that writes, and every
 * claim of a link that no other process has started the node or taken it over since.
 */
import { Effect, Layer, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import { UuidText } from "../protocol/Cbor.ts"
import { CurrentTerm } from "../services/delivery/Ownership.ts"
import { LinkFenced, RetryStore } from "../services/delivery/RetryStore.ts"
import * as SqlEnqueuing from "./retry/SqlEnqueuing.ts"
import * as SqlHastening from "./retry/SqlHastening.ts"
import * as SqlNumbering from "./retry/SqlNumbering.ts"
import * as SqlReceiving from "./retry/SqlReceiving.ts"
import * as SqlSettling from "./retry/SqlSettling.ts"
import * as SqlVacuum from "./retry/SqlVacuum.ts"
import * as SqlViews from "./retry/SqlViews.ts"
import { optional, reader, single } from "./SqlRow.ts"

const readNode = single(Schema.Struct({ database_id: UuidText, incarnation: Schema.BigInt }))
const readClaimed = reader(
  Schema.Struct({ epoch: Schema.BigInt, fruitless: Schema.Int, suspect: Schema.NullOr(UuidText), accused: Schema.Int })
)

/** What a store knows of the node: who owns it may claim links, as long as `incarnation` is the last that began. */
interface Started {
  readonly databaseId: string
  readonly incarnation: bigint
  readonly owns: boolean
}

const make = (start: Effect.Effect<Started, SqlError, SqlClient.SqlClient | SecureRandom.SecureRandom>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const random = yield* SecureRandom.SecureRandom
    const { databaseId, incarnation, owns } = yield* start
    const { flush, ...enqueuing } = SqlEnqueuing.make(sql, incarnation)
    return RetryStore.of({
      databaseId,
      incarnation,
      claim: Effect.fnUntraced(function* (peer) {
        const stream = yield* random.uuidV4()
        // The node's row first, and locked: a take-over that has begun is waited for, one that has not must wait.
        const [row] = readClaimed(
          yield* sql`
            WITH node AS (
              SELECT incarnation FROM holdfast_node WHERE incarnation = ${incarnation} AND ${owns}::boolean FOR SHARE
            ), mine AS (
              INSERT INTO holdfast_links (peer, epoch, stream) SELECT ${peer}, 1, ${stream}::uuid FROM node
              ON CONFLICT (peer) DO UPDATE
              SET epoch = holdfast_links.epoch + 1, stream = coalesce(holdfast_links.stream, excluded.stream)
              RETURNING id, epoch
            ), arrivals AS (
              INSERT INTO holdfast_arrivals AS a (link, epoch, fruitless) SELECT id, epoch, 0 FROM mine
              ON CONFLICT (link) DO UPDATE SET epoch = excluded.epoch, fruitless = a.fruitless + 1
              RETURNING fruitless, suspect, accused
            )
            SELECT mine.epoch, arrivals.fruitless, arrivals.suspect, arrivals.accused FROM mine, arrivals`
        )
        if (row === undefined) return yield* new LinkFenced({ peer, epoch: 0n })
        return { ...row, peer, suspect: optional(row.suspect) }
      }),
      ...enqueuing,
      ...SqlNumbering.make(sql, yield* SqlVacuum.make(sql)),
      ...SqlSettling.make(sql),
      ...SqlHastening.make(sql),
      ...SqlReceiving.make(sql),
      ...SqlViews.make(sql, flush)
    })
  })

/** What the database says of the node, raising its incarnation by so many. */
const started = Effect.fnUntraced(function* (raise: bigint) {
  const sql = yield* SqlClient.SqlClient
  const random = yield* SecureRandom.SecureRandom
  return readNode(
    yield* sql`
      INSERT INTO holdfast_node (database_id, incarnation) VALUES (${yield* random.uuidV4()}::uuid, ${raise})
      ON CONFLICT (singleton) DO UPDATE SET incarnation = holdfast_node.incarnation + ${raise}
      RETURNING database_id, incarnation`
  )
})

/** A term has raised the incarnation already; a start without terms raises it here. */
const owning = Effect.gen(function* () {
  const term = yield* CurrentTerm
  const node = yield* started(term.incarnation === undefined ? 1n : 0n)
  return { databaseId: node.database_id, incarnation: term.incarnation ?? node.incarnation, owns: true }
})

/** The store of a node that starts, for the term of `CurrentTerm` if there is one. */
export const layer: Layer.Layer<RetryStore, SqlError, SqlClient.SqlClient | SecureRandom.SecureRandom> = Layer.effect(
  RetryStore,
  make(owning)
)

/** The store of a process that only sends: the node that runs elsewhere is not disturbed, and no link can be claimed. */
export const sending: Layer.Layer<RetryStore, SqlError, SqlClient.SqlClient | SecureRandom.SecureRandom> = Layer.effect(
  RetryStore,
  make(
    Effect.map(started(0n), (node) => ({ databaseId: node.database_id, incarnation: node.incarnation, owns: false }))
  )
)
