/**
 * Headers of chains on PostgreSQL and on the embedded database: the same statements on both.
 */
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { HeaderStore, type StoredHeader } from "../services/chain/HeaderStore.ts"
import { optional, reader, single } from "./SqlRow.ts"

const readHeaders = reader(
  Schema.Struct({
    id: Schema.Uint8Array,
    height: Schema.Int,
    header: Schema.Uint8Array,
    weight: Schema.Uint8Array
  })
)
const readIds = reader(Schema.Struct({ id: Schema.Uint8Array }))
const readHeight = single(Schema.Struct({ height: Schema.NullOr(Schema.Int) }))

const hex = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")

const stored = ({ header, height, id, weight }: ReturnType<typeof readHeaders>[number]): StoredHeader => ({
  id: hex(id),
  height,
  bytes: header,
  weight: BigInt(`0x${hex(weight)}`)
})

/** Bytes of each in turn, with zeros behind those that are shorter than the longest. */
const padded = (headers: ReadonlyArray<StoredHeader>, width: number): Uint8Array => {
  const out = new Uint8Array(headers.length * width)
  for (const [at, { bytes }] of headers.entries()) out.set(bytes, at * width)
  return out
}

/** PostgreSQL reads `\x` and digits as bytes, in an array as well. */
const bytea = (id: string): string => `\\x${id}`

export const layer: Layer.Layer<HeaderStore, never, SqlClient.SqlClient> = Layer.effect(
  HeaderStore,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient

    /**
     * The id of the last header. Whoever changes the chain has locked its last header before it looks whether that is the last: of two
     * who know the same one the second waits here, and then sees what the first has written.
     */
    const lastOf = Effect.fnUntraced(function* (chain: string, expected: string | undefined) {
      if (expected !== undefined) {
        yield* sql`
          SELECT height FROM holdfast_chain_headers WHERE chain = ${chain} AND id = ${bytea(expected)}::text::bytea FOR UPDATE`
      }
      const rows = yield* sql`
        SELECT id FROM holdfast_chain_headers WHERE chain = ${chain} ORDER BY height DESC LIMIT 1`
      return readIds(rows).map(({ id }) => hex(id))[0]
    })

    /**
     * Columns are given as one run of bytes each, and cut there: arrays of thousands of values take three times as long. A header's
     * length is a byte that says one less.
     */
    const insert = (chain: string, above: number, headers: ReadonlyArray<StoredHeader>) => {
      const width = headers.reduce((most, { bytes }) => Math.max(most, bytes.length), 1)
      const ids = Buffer.from(headers.map(({ id }) => id).join(""), "hex")
      const lengths = Uint8Array.from(headers, ({ bytes }) => bytes.length - 1)
      const weights = Buffer.from(headers.map(({ weight }) => weight.toString(16).padStart(64, "0")).join(""), "hex")
      return sql`
        INSERT INTO holdfast_chain_headers (chain, height, id, header, weight)
        SELECT ${chain}, ${above}::integer + n,
          substring(ids FROM 32 * n - 31 FOR 32),
          substring(headers FROM ${width}::integer * (n - 1) + 1 FOR get_byte(lengths, n - 1) + 1),
          substring(weights FROM 32 * n - 31 FOR 32)
        FROM (
            SELECT ${ids}::bytea AS ids, ${padded(headers, width)}::bytea AS headers, ${lengths}::bytea AS lengths,
              ${weights}::bytea AS weights
          ) AS given,
          generate_series(1, ${headers.length}::integer) AS n`
    }

    return HeaderStore.of({
      tail: (chain, limit) =>
        Effect.map(
          sql`
            SELECT id, height, header, weight FROM holdfast_chain_headers WHERE chain = ${chain}
            ORDER BY height DESC LIMIT ${limit}`,
          (rows) => readHeaders(rows).map(stored).reverse()
        ),
      highest: (chain, ids) =>
        Effect.map(
          sql`
            SELECT max(height) AS height FROM holdfast_chain_headers
            WHERE chain = ${chain} AND id = ANY(
              SELECT given.id::bytea FROM unnest(${ids.map(bytea)}::text[]) AS given(id)
            )`,
          (rows) => optional(readHeight(rows).height)
        ),
      above: (chain, height, limit) =>
        Effect.map(
          sql`
            SELECT id, height, header, weight FROM holdfast_chain_headers WHERE chain = ${chain} AND height > ${height}
            ORDER BY height LIMIT ${limit}`,
          (rows) => readHeaders(rows).map(stored)
        ),
      ids: (chain, heights) =>
        Effect.map(
          sql`
            SELECT id FROM holdfast_chain_headers
            WHERE chain = ${chain} AND height = ANY(${heights}::integer[]) ORDER BY height DESC`,
          (rows) => readIds(rows).map(({ id }) => hex(id))
        ),
      replace: Effect.fn("ChainHeaders.replace")(function* (chain, tip, above, headers) {
        const last = yield* lastOf(chain, tip)
        if (last !== tip) return last === headers.at(-1)?.id
        yield* sql`DELETE FROM holdfast_chain_headers WHERE chain = ${chain} AND height > ${above}`
        yield* insert(chain, above, headers)
        return true
      }, sql.withTransaction)
    })
  })
)
