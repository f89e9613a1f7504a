/**
 * Records on PostgreSQL and on the embedded database: the same statements on both.
 *
 * Keys and places are texts that sort as what they stand for (`SortKey`), so that a page is one range of one index. Content is `json`
 * and not `jsonb`: that cannot have every text, and a peer's text that cannot be written would be a message that cannot be handled.
 */
import { Effect, Layer, Option, Result, Schema } from "effect"
import { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import * as SortKey from "../protocol/SortKey.ts"
import { columnsOf, Records } from "../services/Records.ts"
import { bounded, type Parts, type Stored, type Table } from "../services/RecordTable.ts"
import { reader } from "./SqlRow.ts"

const readRows = reader(Schema.Struct({ key: Schema.String, content: Schema.Unknown }))

const StoredRow = Schema.Struct({
  at: Schema.String,
  key: Schema.String,
  places: Schema.Array(Schema.NullOr(Schema.String)),
  content: Schema.Unknown
})
const readStored = reader(StoredRow)

const storedOf = <Row, Key extends Parts, Index extends string>(
  table: Table<Row, Key, Index>,
  { at, content, key, places }: typeof StoredRow.Type
): Stored<Row> => {
  const row = table.read(content, key)
  const due = Result.flatMap(row, table.places)
  const isInPlace =
    Result.isSuccess(due) &&
    due.success.key === key &&
    due.success.places.every((place, at) => (place ?? null) === places[at])
  return { at, key: SortKey.shown(key), row, isInPlace }
}

interface Statements {
  readonly get: string
  readonly getAll: string
  readonly lock: string
  readonly insert: string
  readonly replace: string
  readonly put: string
  readonly putAll: string
  readonly remove: string
}

/** Parameters: the key, the places, the content; of those for many rows the same as arrays. */
const statementsOf = (table: { readonly name: string; readonly indexes: ReadonlyArray<string> }): Statements => {
  const columns = columnsOf(table)
  const all = ["key", ...columns, "content"]
  const given = all.map((column, at) => `$${at + 1}::${column === "content" ? "json" : "text"}`)
  const values = `INSERT INTO ${table.name} (${all.join(", ")}) VALUES (${given.join(", ")}) ON CONFLICT (key)`
  const many = all.map((_, at) => `$${at + 1}::text[]`).join(", ")
  // A driver cannot tell the type of an array of nulls, and no place is empty.
  const selected = ["key", ...columns.map((column) => `nullif(${column}, '')`), "content::json"].join(", ")
  const set = (value: (column: string, at: number) => string): string =>
    [...columns, "content"].map((column, at) => `${column} = ${value(column, at + 1)}`).join(", ")
  const get = `SELECT key, content FROM ${table.name} WHERE key = $1::text`
  const over = `DO UPDATE SET ${set((column) => `excluded.${column}`)}`
  return {
    get,
    getAll: `SELECT key, content FROM ${table.name} WHERE key = ANY($1::text[])`,
    lock: `${get} FOR UPDATE`,
    insert: `${values} DO NOTHING RETURNING 1 AS done`,
    replace: `UPDATE ${table.name} SET ${set((_, at) => given[at]!)} WHERE key = $1::text RETURNING 1 AS done`,
    put: `${values} ${over}`,
    putAll: `INSERT INTO ${table.name} (${all.join(", ")})
      SELECT ${selected} FROM unnest(${many}) AS given(${all.join(", ")}) ON CONFLICT (key) ${over}`,
    remove: `DELETE FROM ${table.name} WHERE key = $1::text RETURNING 1 AS done`
  }
}

/** What a row has in the columns of its table, in their order. */
const columnsFor = <Row, Key extends Parts, Index extends string>(
  table: Table<Row, Key, Index>,
  row: Row
): Result.Result<ReadonlyArray<string | null>, SqlError> =>
  Result.flatMap(table.places(row), ({ key, places }) =>
    Result.map(table.write(row), (content) => [key, ...places.map((place) => place ?? null), content])
  )

type Answered = Effect.Effect<ReadonlyArray<unknown>, SqlError>

const some = (rows: ReadonlyArray<unknown>): boolean => rows.length > 0

const outside = Effect.die(new Error("Records.lock and Records.claim need a transaction: Transactions.within"))

export const layer: Layer.Layer<Records, never, SqlClient.SqlClient> = Layer.effect(
  Records,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const known = new WeakMap<object, Statements>()

    const of = (table: { readonly name: string; readonly indexes: ReadonlyArray<string> }): Statements => {
      let statements = known.get(table)
      if (statements === undefined) known.set(table, (statements = statementsOf(table)))
      return statements
    }

    const inside = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
      Effect.flatMap(Effect.serviceOption(sql.transactionService), (open) => (Option.isSome(open) ? effect : outside))

    const read = <Row, Key extends Parts, Index extends string>(
      table: Table<Row, Key, Index>,
      rows: ReadonlyArray<unknown>
    ): Effect.Effect<ReadonlyArray<Row>, SqlError> =>
      Effect.fromResult(Result.all(readRows(rows).map(({ content, key }) => table.read(content, key))))

    const byKey = <Row, Key extends Parts, Index extends string>(
      table: Table<Row, Key, Index>,
      key: Key,
      statement: "get" | "lock" | "remove"
    ): Answered =>
      Effect.suspend((): Answered => {
        const found = table.find(key)
        return Result.isFailure(found) ? Effect.fail(found.failure) : sql.unsafe(of(table)[statement], [found.success])
      })

    const write = <Row, Key extends Parts, Index extends string>(
      table: Table<Row, Key, Index>,
      row: Row,
      statement: "insert" | "replace" | "put"
    ): Answered =>
      Effect.suspend((): Answered => {
        const params = columnsFor(table, row)
        return Result.isFailure(params)
          ? Effect.fail(params.failure)
          : sql.unsafe(of(table)[statement], [...params.success])
      })

    const writeAll = <Row, Key extends Parts, Index extends string>(
      table: Table<Row, Key, Index>,
      rows: ReadonlyArray<Row>
    ): Answered =>
      Effect.suspend((): Answered => {
        const params = Result.all(rows.map((row) => columnsFor(table, row)))
        if (Result.isFailure(params)) return Effect.fail(params.failure)
        const written = params.success
        const width = columnsOf(table).length + 2
        const columns = Array.from({ length: width }, (_, at) => written.map((row) => row[at] ?? ""))
        bounded(written.map(([key]) => key))
        return sql.unsafe(of(table).putAll, columns)
      })

    const byKeys = <Row, Key extends Parts, Index extends string>(
      table: Table<Row, Key, Index>,
      keys: ReadonlyArray<Key>
    ): Answered =>
      Effect.suspend((): Answered => {
        const found = Result.all(keys.map(table.find))
        if (Result.isFailure(found)) return Effect.fail(found.failure)
        bounded([...new Set(found.success)])
        return sql.unsafe(of(table).getAll, [found.success])
      })

    const first = <Row, Key extends Parts, Index extends string>(table: Table<Row, Key, Index>) =>
      Effect.fnUntraced(function* (rows: ReadonlyArray<unknown>) {
        return (yield* read(table, rows))[0]
      })

    return Records.of({
      get: (table, key) => Effect.flatMap(byKey(table, key, "get"), first(table)),
      getAll: (table, keys) =>
        keys.length === 0 ? Effect.succeed([]) : Effect.flatMap(byKeys(table, keys), (rows) => read(table, rows)),
      lock: (table, key) => inside(Effect.flatMap(byKey(table, key, "lock"), first(table))),
      insert: (table, row) => Effect.map(write(table, row, "insert"), some),
      replace: (table, row) => Effect.map(write(table, row, "replace"), some),
      put: (table, row) => Effect.asVoid(write(table, row, "put")),
      putAll: (table, rows) => (rows.length === 0 ? Effect.void : Effect.asVoid(writeAll(table, rows))),
      remove: (table, key) => Effect.map(byKey(table, key, "remove"), some),
      page: Effect.fnUntraced(function* (table, index, options) {
        const { from, to } = yield* Effect.fromResult(table.range(options))
        const column = index === "key" ? "key" : `by_${index}`
        const order = options.backwards === true ? "DESC" : "ASC"
        const rows = yield* sql.unsafe(
          `SELECT key, content FROM ${table.name} WHERE ${column} >= $1::text AND ${column} < $2::text
           ORDER BY ${column} ${order} LIMIT $3::int`,
          [from, to, options.limit]
        )
        return yield* read(table, rows)
      }),
      look: Effect.fnUntraced(function* (table, index, { after, ...options }) {
        const { from, to } = yield* Effect.fromResult(table.range(options))
        const column = index === "key" ? "key" : `by_${index}`
        const rows = yield* sql.unsafe(
          `SELECT ${column} AS at, key, json_build_array(${columnsOf(table).join(", ")}) AS places, content
           FROM ${table.name} WHERE ${column} ${after === undefined ? ">=" : ">"} $1::text AND ${column} < $2::text
           ORDER BY ${column} LIMIT $3::int`,
          [after ?? from, to, options.limit]
        )
        return readStored(rows).map((row) => storedOf(table, row))
      }),
      claim: (name) =>
        inside(Effect.asVoid(sql`SELECT 1 AS done FROM pg_advisory_xact_lock(hashtextextended(${name}::text, 7214))`))
    })
  })
)
