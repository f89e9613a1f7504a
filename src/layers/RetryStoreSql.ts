/**
 * The retry store on PostgreSQL and on the embedded database: the same statements on both.
 *
 * It needs the tables of the migrations. Every write of a link checks its epoch in the statement that writes.
 */
import { Effect, Layer, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import { UuidText } from "../protocol/Cbor.ts"
import { RetryStore } from "../services/delivery/RetryStore.ts"
import * as SqlEnqueuing from "./retry/SqlEnqueuing.ts"
import * as SqlHastening from "./retry/SqlHastening.ts"
import * as SqlNumbering from "./retry/SqlNumbering.ts"
import * as SqlReceiving from "./retry/SqlReceiving.ts"
import * as SqlSettling from "./retry/SqlSettling.ts"
import * as SqlVacuum from "./retry/SqlVacuum.ts"
import * as SqlViews from "./retry/SqlViews.ts"
import { optional, single } from "./SqlRow.ts"

const readNode = single(Schema.Struct({ database_id: UuidText, incarnation: Schema.BigInt }))
const readClaimed = single(
  Schema.Struct({ epoch: Schema.BigInt, fruitless: Schema.Int, suspect: Schema.NullOr(UuidText) })
)

export const layer: Layer.Layer<RetryStore, SqlError, SqlClient.SqlClient | SecureRandom.SecureRandom> = Layer.effect(
  RetryStore,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const random = yield* SecureRandom.SecureRandom
    const node = readNode(
      yield* sql`
        INSERT INTO holdfast_node (database_id, incarnation) VALUES (${yield* random.uuidV4()}::uuid, 1)
        ON CONFLICT (singleton) DO UPDATE SET incarnation = holdfast_node.incarnation + 1
        RETURNING database_id, incarnation`
    )
    const { flush, ...enqueuing } = SqlEnqueuing.make(sql)
    return RetryStore.of({
      databaseId: node.database_id,
      incarnation: node.incarnation,
      claim: Effect.fnUntraced(function* (peer) {
        const stream = yield* random.uuidV4()
        const { epoch, fruitless, suspect } = readClaimed(
          yield* sql`
            WITH mine AS (
              INSERT INTO holdfast_links (peer, epoch, stream) VALUES (${peer}, 1, ${stream}::uuid)
              ON CONFLICT (peer) DO UPDATE
              SET epoch = holdfast_links.epoch + 1, stream = coalesce(holdfast_links.stream, excluded.stream)
              RETURNING id, epoch
            ), arrivals AS (
              INSERT INTO holdfast_arrivals AS a (link, epoch, fruitless) SELECT id, epoch, 0 FROM mine
              ON CONFLICT (link) DO UPDATE SET epoch = excluded.epoch, fruitless = a.fruitless + 1
              RETURNING fruitless, suspect
            )
            SELECT mine.epoch, arrivals.fruitless, arrivals.suspect FROM mine, arrivals`
        )
        return { peer, epoch, fruitless, suspect: optional(suspect) }
      }),
      ...enqueuing,
      ...SqlNumbering.make(sql, yield* SqlVacuum.make(sql)),
      ...SqlSettling.make(sql),
      ...SqlHastening.make(sql),
      ...SqlReceiving.make(sql),
      ...SqlViews.make(sql, flush)
    })
  })
)
