/**
 * Blocks of chains on PostgreSQL and on the embedded database: the same statements on both.
 *
 * Whoever changes blocks holds the row of the chain's tip first, so that two never wait for each other.
 */
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { BlockStore, misfit, type StoredBlock } from "../services/chain/BlockStore.ts"
import { optional, reader } from "./SqlRow.ts"

const readTips = reader(Schema.Struct({ height: Schema.Int, id: Schema.Uint8Array, bodies_from: Schema.Int }))
const readPlaces = reader(Schema.Struct({ height: Schema.Int, id: Schema.Uint8Array }))
const readBodies = reader(Schema.Struct({ body: Schema.NullOr(Schema.Uint8Array) }))
const readBlocks = reader(
  Schema.Struct({
    height: Schema.Int,
    id: Schema.Uint8Array,
    header: Schema.Uint8Array,
    body: Schema.NullOr(Schema.Uint8Array)
  })
)

const bytesOf = (id: string): Buffer => Buffer.from(id, "hex")
const textOf = ({ buffer, byteLength, byteOffset }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString("hex")

/** Blocks and bytes of bodies that one statement inserts; a single body may have more. */
const most = { blocks: 256, bytes: 4 * 1024 * 1024 }

/** Cuts blocks into runs that one statement inserts each. */
const runsOf = (blocks: ReadonlyArray<StoredBlock>): ReadonlyArray<ReadonlyArray<StoredBlock>> => {
  const runs: Array<Array<StoredBlock>> = []
  let bytes = 0
  for (const block of blocks) {
    const run = runs.at(-1)
    bytes += block.body.length
    if (run !== undefined && run.length < most.blocks && bytes <= most.bytes) run.push(block)
    else {
      bytes = block.body.length
      runs.push([block])
    }
  }
  return runs
}

/** Where each of these begins in what they are together, counted from 1, as SQL does. */
const starts = (parts: ReadonlyArray<Uint8Array>): ReadonlyArray<number> => {
  let next = 1
  return parts.map(({ length }) => (next += length) - length)
}

export const layer: Layer.Layer<BlockStore, never, SqlClient.SqlClient> = Layer.effect(
  BlockStore,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient

    /** The tip, which nobody else changes until the transaction is over. */
    const held = (chain: string) =>
      Effect.map(
        sql`SELECT height, id, bodies_from FROM holdfast_chain_tips WHERE chain = ${chain} FOR UPDATE`,
        (rows) => readTips(rows).map(({ bodies_from, height, id }) => ({ bodies_from, height, id: textOf(id) }))[0]
      )

    /** Makes the first tip of a chain, unless another process has just made one. */
    const begin = (chain: string, { height, id }: StoredBlock) =>
      Effect.map(
        sql`
          INSERT INTO holdfast_chain_tips (chain, height, id, bodies_from)
          VALUES (${chain}, ${height}, ${bytesOf(id)}, 0) ON CONFLICT DO NOTHING RETURNING height`,
        (rows) => rows.length > 0
      )

    /** Forgets what is above a height of a chain that has a tip, and gives it another one: of the blocks that come, or that stay. */
    const turn = Effect.fnUntraced(function* (
      chain: string,
      tip: StoredBlock | undefined,
      last: number,
      above: number
    ) {
      if (above < last) yield* sql`DELETE FROM holdfast_chain_blocks WHERE chain = ${chain} AND height > ${above}`
      if (tip === undefined && above < 0) {
        return yield* Effect.asVoid(sql`DELETE FROM holdfast_chain_tips WHERE chain = ${chain}`)
      }
      const id =
        tip === undefined
          ? sql`(SELECT id FROM holdfast_chain_blocks WHERE chain = ${chain} AND height = ${above})`
          : sql`${bytesOf(tip.id)}`
      yield* sql`
        UPDATE holdfast_chain_tips SET height = ${tip?.height ?? above}, id = ${id},
          bodies_from = least(bodies_from, ${above}::integer + 1)
        WHERE chain = ${chain}`
    })

    /** Columns are given as one run of bytes each, and cut there: that is quicker than arrays of them. */
    const insert = (chain: string, blocks: ReadonlyArray<StoredBlock>) => {
      const headers = blocks.map(({ header }) => header)
      const bodies = blocks.map(({ body }) => body)
      return sql`
        INSERT INTO holdfast_chain_blocks (chain, height, id, header, body)
        SELECT ${chain}, ${(blocks[0]?.height ?? 0) - 1}::integer + n::integer,
          substring(ids FROM 32 * n::integer - 31 FOR 32), substring(headers FROM header_at FOR header_length),
          substring(bodies FROM body_at FOR body_length)
        FROM (
          SELECT ${Buffer.concat(blocks.map(({ id }) => bytesOf(id)))}::bytea AS ids,
            ${Buffer.concat(headers)}::bytea AS headers, ${Buffer.concat(bodies)}::bytea AS bodies
        ) AS given, unnest(
          ${starts(headers)}::integer[], ${headers.map(({ length }) => length)}::integer[],
          ${starts(bodies)}::integer[], ${bodies.map(({ length }) => length)}::integer[]
        ) WITH ORDINALITY AS part(header_at, header_length, body_at, body_length, n)`
    }

    const replace = Effect.fn("ChainBlocks.replace")(function* (
      chain: string,
      tip: string | undefined,
      above: number,
      blocks: ReadonlyArray<StoredBlock>
    ) {
      const last = yield* held(chain)
      const next = blocks.at(-1)
      if (last?.id !== tip) return last !== undefined && last.id === next?.id
      const problem = misfit(last?.height ?? -1, above, blocks)
      if (problem !== undefined) return yield* Effect.die(new Error(problem))
      if (last !== undefined) yield* turn(chain, next, last.height, above)
      else if (next !== undefined && !(yield* begin(chain, next))) return (yield* held(chain))?.id === next.id
      for (const run of runsOf(blocks)) yield* insert(chain, run)
      return true
    }, sql.withTransaction)

    const prune = Effect.fn("ChainBlocks.prune")(function* (chain: string, below: number, limit: number) {
      const tip = yield* held(chain)
      if (tip === undefined) return 0
      const end = Math.min(below, tip.height + 1, tip.bodies_from + limit)
      if (end <= tip.bodies_from) return 0
      yield* sql`
        UPDATE holdfast_chain_blocks SET body = NULL
        WHERE chain = ${chain} AND height >= ${tip.bodies_from} AND height < ${end}`
      yield* sql`UPDATE holdfast_chain_tips SET bodies_from = ${end} WHERE chain = ${chain}`
      return end - tip.bodies_from
    }, sql.withTransaction)

    return BlockStore.of({
      tip: (chain) =>
        Effect.map(
          sql`SELECT height, id FROM holdfast_chain_tips WHERE chain = ${chain}`,
          (rows) => readPlaces(rows).map(({ height, id }) => ({ id: textOf(id), height }))[0]
        ),
      replace,
      // Bytes are counted from the lengths of bodies: only those that are returned are read.
      above: (chain, height, limit, mostBytes) =>
        Effect.map(
          sql`
            SELECT height, id, header, body FROM (
              SELECT *, count(*) OVER up AS place, sum(coalesce(length(body), 0)) OVER up AS bytes FROM (
                SELECT height, id, header, body FROM holdfast_chain_blocks
                WHERE chain = ${chain} AND height > ${height} ORDER BY height LIMIT ${limit}
              ) AS next WINDOW up AS (ORDER BY height)
            ) AS counted
            WHERE place = 1 OR bytes <= ${mostBytes}::bigint ORDER BY height`,
          (rows) =>
            readBlocks(rows).map(({ body, header, height, id }) => ({
              id: textOf(id),
              height,
              header,
              body: optional(body)
            }))
        ),
      // The limit of one row makes the plan a look into the index for each id, whatever is known of the table.
      bodies: (chain, ids, mostBytes) =>
        Effect.map(
          sql`
            SELECT body FROM (
              SELECT n, body, count(body) OVER up AS place, sum(length(body)) OVER up AS bytes
              FROM (SELECT ${Buffer.concat(ids.map(bytesOf))}::bytea AS ids) AS given,
                generate_series(1, ${ids.length}::integer) AS n
                LEFT JOIN LATERAL (
                  SELECT body FROM holdfast_chain_blocks
                  WHERE chain = ${chain} AND id = substring(ids FROM 32 * n - 31 FOR 32) LIMIT 1
                ) AS found ON true
              WINDOW up AS (ORDER BY n)
            ) AS counted
            WHERE place <= 1 OR bytes <= ${mostBytes}::bigint ORDER BY n`,
          (rows) => readBodies(rows).map(({ body }) => optional(body))
        ),
      ids: (chain, heights) =>
        Effect.map(
          sql`
            SELECT height, id FROM holdfast_chain_blocks
            WHERE chain = ${chain} AND height = ANY(${heights}::integer[]) ORDER BY height DESC`,
          (rows) => readPlaces(rows).map(({ height, id }) => ({ height, id: textOf(id) }))
        ),
      prune
    })
  })
)
