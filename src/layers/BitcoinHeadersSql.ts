/**
 * Headers of Bitcoin networks on PostgreSQL and on the embedded database: the same statements on both.
 */
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import * as BlockHeader from "../protocol/bitcoin/BlockHeader.ts"
import * as Hash from "../protocol/bitcoin/Hash.ts"
import type { Placed } from "../protocol/chain/HeaderTree.ts"
import { HeaderStore } from "../services/bitcoin/HeaderStore.ts"
import { optional, reader, single } from "./SqlRow.ts"

const readPlaces = reader(Schema.Struct({ height: Schema.Int, header: Schema.Uint8Array, weight: Schema.Uint8Array }))
const readHeaders = reader(Schema.Struct({ header: Schema.Uint8Array }))
const readIds = reader(Schema.Struct({ id: Schema.Uint8Array }))
const readHeight = single(Schema.Struct({ height: Schema.NullOr(Schema.Int) }))

/** What the table takes has 80 bytes. */
const headerOf = (bytes: Uint8Array): BlockHeader.BlockHeader => {
  const header = BlockHeader.decode(bytes)
  if (header === undefined) throw new Error(`a stored header has ${bytes.length} bytes`)
  return header
}

const placeOf = ({
  header,
  height,
  weight
}: ReturnType<typeof readPlaces>[number]): Placed<BlockHeader.BlockHeader> => ({
  header: headerOf(header),
  height,
  weight: BigInt(`0x${Buffer.from(weight).toString("hex")}`)
})

/** PostgreSQL reads `\x` and digits as bytes, in an array as well. */
const bytea = (bytes: Uint8Array): string => `\\x${Buffer.from(bytes).toString("hex")}`

export const layer: Layer.Layer<HeaderStore, never, SqlClient.SqlClient> = Layer.effect(
  HeaderStore,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient

    /** The id of the last header, which nobody else changes until the transaction is over. */
    const lastOf = (network: string) =>
      Effect.map(
        sql`
          SELECT id FROM holdfast_bitcoin_headers WHERE network = ${network}
          ORDER BY height DESC LIMIT 1 FOR UPDATE`,
        (rows) => readIds(rows).map(({ id }) => Hash.display(id))[0]
      )

    /** Columns are given as one run of bytes each, and cut there: arrays of thousands of values take three times as long. */
    const insert = (network: string, above: number, placed: ReadonlyArray<Placed<BlockHeader.BlockHeader>>) => {
      const ids = Buffer.concat(placed.map(({ header }) => Hash.wire(header.id)))
      const headers = Buffer.concat(placed.map(({ header }) => BlockHeader.encode(header)))
      const weights = Buffer.from(placed.map(({ weight }) => weight.toString(16).padStart(64, "0")).join(""), "hex")
      return sql`
        INSERT INTO holdfast_bitcoin_headers (network, height, id, header, weight)
        SELECT ${network}, ${above}::integer + n,
          substring(ids FROM 32 * n - 31 FOR 32), substring(headers FROM 80 * n - 79 FOR 80),
          substring(weights FROM 32 * n - 31 FOR 32)
        FROM (SELECT ${ids}::bytea AS ids, ${headers}::bytea AS headers, ${weights}::bytea AS weights) AS given,
          generate_series(1, ${placed.length}::integer) AS n`
    }

    return HeaderStore.of({
      tail: (network, limit) =>
        Effect.map(
          sql`
            SELECT height, header, weight FROM holdfast_bitcoin_headers WHERE network = ${network}
            ORDER BY height DESC LIMIT ${limit}`,
          (rows) => readPlaces(rows).map(placeOf).reverse()
        ),
      highest: (network, ids) =>
        Effect.map(
          sql`
            SELECT max(height) AS height FROM holdfast_bitcoin_headers
            WHERE network = ${network} AND id = ANY(
              SELECT given.id::bytea FROM unnest(${ids.map((id) => bytea(Hash.wire(id)))}::text[]) AS given(id)
            )`,
          (rows) => optional(readHeight(rows).height)
        ),
      above: (network, height, limit) =>
        Effect.map(
          sql`
            SELECT header FROM holdfast_bitcoin_headers WHERE network = ${network} AND height > ${height}
            ORDER BY height LIMIT ${limit}`,
          (rows) => readHeaders(rows).map(({ header }) => headerOf(header))
        ),
      ids: (network, heights) =>
        Effect.map(
          sql`
            SELECT id FROM holdfast_bitcoin_headers
            WHERE network = ${network} AND height = ANY(${heights}::integer[]) ORDER BY height DESC`,
          (rows) => readIds(rows).map(({ id }) => Hash.display(id))
        ),
      replace: Effect.fn("BitcoinHeaders.replace")(function* (network, tip, above, placed) {
        const last = yield* lastOf(network)
        if (last !== tip) return last === placed.at(-1)?.header.id
        yield* sql`DELETE FROM holdfast_bitcoin_headers WHERE network = ${network} AND height > ${above}`
        yield* insert(network, above, placed)
        return true
      }, sql.withTransaction)
    })
  })
)
