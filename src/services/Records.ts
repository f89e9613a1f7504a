/**
 * State of protocols, kept in the node's database whatever that is: rows by their keys, in tables of their own, changed in the same
 * transactions as everything else of the node. What is written with it runs in a simulator's memory as it does on PostgreSQL.
 *
 * Every method is one statement, inside the transaction that is open or by itself; none for no rows. Rows are values: never change one.
 */
import { Context, Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import * as RecordTable from "./RecordTable.ts"
import type { LookOptions, PageOptions, Parts, Stored, Table } from "./RecordTable.ts"

/** An error whose `Records.unfit` there is says that a row cannot be read or written as what its table is for. */
type Answer<A> = Effect.Effect<A, SqlError>

/** The columns of a table's indexes, in their order. */
export const columnsOf = (table: { readonly indexes: ReadonlyArray<string> }): ReadonlyArray<string> =>
  table.indexes.map((index) => `by_${index}`)

/**
 * Makes the table on an SQL database unless it is there: for a migration, or for `Scenario.tables`. A table that is there stays as it
 * is, so that a changed definition needs another name.
 */
const migration = Effect.fnUntraced(function* (table: {
  readonly name: string
  readonly indexes: ReadonlyArray<string>
}) {
  const sql = yield* SqlClient.SqlClient
  const columns = columnsOf(table)
  const more = columns.map((column) => `${column} text COLLATE "C",`).join(" ")
  yield* sql.unsafe(
    `CREATE TABLE IF NOT EXISTS ${table.name} (key text COLLATE "C" PRIMARY KEY, ${more} content json NOT NULL)
     WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0)`
  )
  for (const column of columns) {
    yield* sql.unsafe(
      `CREATE INDEX IF NOT EXISTS ${table.name}_${column} ON ${table.name} (${column}) WHERE ${column} IS NOT NULL`
    )
  }
})

export class Records extends Context.Service<
  Records,
  {
    /** The row with this key. */
    readonly get: <Row, Key extends Parts, Index extends string>(
      table: Table<Row, Key, Index>,
      key: Key
    ) => Answer<Row | undefined>
    /** The rows with these keys, as far as they are there, in no order: at most `maxPage` keys. More are a defect. */
    readonly getAll: <Row, Key extends Parts, Index extends string>(
      table: Table<Row, Key, Index>,
      keys: ReadonlyArray<Key>
    ) => Answer<ReadonlyArray<Row>>
    /**
     * The row as the last commit has left it; nobody else changes it before this transaction ends. A row that is not there is not
     * locked: `claim` a name for that. Outside of a transaction a defect.
     */
    readonly lock: <Row, Key extends Parts, Index extends string>(
      table: Table<Row, Key, Index>,
      key: Key
    ) => Answer<Row | undefined>
    /** Writes a new row; `false` and nothing, if one with its key is there. */
    readonly insert: <Row, Key extends Parts, Index extends string>(
      table: Table<Row, Key, Index>,
      row: Row
    ) => Answer<boolean>
    /** Writes over the row with its key; `false` and nothing, if there is none. */
    readonly replace: <Row, Key extends Parts, Index extends string>(
      table: Table<Row, Key, Index>,
      row: Row
    ) => Answer<boolean>
    /** Writes the row, whether one with its key is there or not. */
    readonly put: <Row, Key extends Parts, Index extends string>(
      table: Table<Row, Key, Index>,
      row: Row
    ) => Answer<void>
    /** `put` of many rows: at most `maxPage`, no two of one key. Otherwise a defect. */
    readonly putAll: <Row, Key extends Parts, Index extends string>(
      table: Table<Row, Key, Index>,
      rows: ReadonlyArray<Row>
    ) => Answer<void>
    /** Whether there was such a row. */
    readonly remove: <Row, Key extends Parts, Index extends string>(
      table: Table<Row, Key, Index>,
      key: Key
    ) => Answer<boolean>
    /**
     * Rows in the order of an index and then of the key, or of the key alone: integers by size and before texts, texts by code
     * points. Whatever the table holds, it costs what the page does.
     */
    readonly page: <Row, Key extends Parts, Index extends string>(
      table: Table<Row, Key, Index>,
      index: Index | "key",
      options: PageOptions
    ) => Answer<ReadonlyArray<Row>>
    /**
     * Rows as they are stored, for audits: those that cannot be read, or are not where they say, do not hide the others. In the order
     * of an index or of the key as it is stored; it costs what the page does.
     */
    readonly look: <Row, Key extends Parts, Index extends string>(
      table: Table<Row, Key, Index>,
      index: Index | "key",
      options: LookOptions
    ) => Answer<ReadonlyArray<Stored<Row>>>
    /** Nobody else claims this name before this transaction ends; waits for who has. Outside of a transaction a defect. */
    readonly claim: (name: string) => Effect.Effect<void, SqlError>
  }
>()("holdfast/services/Records") {
  static readonly table = RecordTable.make
  static readonly migration = migration
  static readonly unfit = RecordTable.unfit
}
