/**
 * Records in a `MemoryDatabase`: for tests and simulations, rule for rule what the SQL layer does.
 *
 * A row is kept as it was given, neither written as JSON nor read from it: here it may be too large, or of a shape that its schema
 * would not write. Transactions come one after the other, so that nobody ever waits for a lock.
 */
import { Effect, Layer, Result } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import * as SortKey from "../protocol/SortKey.ts"
import { Records } from "../services/Records.ts"
import {
  bounded,
  type LookOptions,
  type PageOptions,
  type Parts,
  type Stored,
  type Table
} from "../services/RecordTable.ts"
import { MemoryDatabase, MemorySlot, type UndoLog } from "./MemoryDatabase.ts"
import { SortedTable } from "./SortedTable.ts"

/** What stands for a row. The table that it was written with holds the row itself, any other one reads its JSON. */
interface Kept {
  readonly key: string
  readonly places: ReadonlyArray<string | undefined>
  readonly write: () => Result.Result<string, SqlError>
}

const keep = <Row, Key extends Parts, Index extends string>(
  table: Table<Row, Key, Index>,
  row: Row
): Result.Result<Kept, SqlError> =>
  Result.map(table.places(row), ({ key, places }) => {
    const order = (place: string | undefined) => (place === undefined ? undefined : SortKey.forUtf16(place))
    const kept = { key: SortKey.forUtf16(key), places: places.map(order), write: () => table.write(row) }
    table.held.set(kept, row)
    return kept
  })

const read = <Row, Key extends Parts, Index extends string>(
  table: Table<Row, Key, Index>,
  kept: Kept
): Result.Result<Row, SqlError> => {
  const row = table.held.get(kept)
  if (row !== undefined) return Result.succeed(row)
  return Result.flatMap(kept.write(), (content) => table.read(JSON.parse(content), kept.key))
}

/** A table's rows by their keys, and by their places in each index. */
class Rows {
  readonly byKey: SortedTable<Kept>
  readonly indexes: ReadonlyMap<string, SortedTable<Kept>>
  /** How often a row was written or removed. */
  changes = 0
  constructor(log: UndoLog, indexes: ReadonlyArray<string>) {
    this.byKey = new SortedTable(log)
    this.indexes = new Map(indexes.map((index) => [index, new SortedTable<Kept>(log)]))
  }

  write(kept: Kept): void {
    this.remove(kept.key)
    this.changes++
    this.byKey.set(kept.key, kept)
    for (const [at, index] of [...this.indexes.values()].entries()) {
      const place = kept.places[at]
      if (place !== undefined) index.set(place, kept)
    }
  }

  remove(key: string): boolean {
    const known = this.byKey.get(key)
    if (known === undefined) return false
    this.changes++
    this.byKey.delete(key)
    for (const [at, index] of [...this.indexes.values()].entries()) {
      const place = known.places[at]
      if (place !== undefined) index.delete(place)
    }
    return true
  }
}

const slot = new MemorySlot((log) => ({ log, tables: new Map<string, Rows>() }))

const rowsOf = (
  database: MemoryDatabase["Service"],
  table: { readonly name: string; readonly indexes: ReadonlyArray<string> }
) => {
  const { log, tables } = slot.of(database)
  let rows = tables.get(table.name)
  if (rows === undefined) tables.set(table.name, (rows = new Rows(log, table.indexes)))
  return rows
}

/** All rows in the order of their keys: for who looks into a database from outside, in `log.committed`. */
export const rowsIn = <Row, Key extends Parts, Index extends string>(
  database: MemoryDatabase["Service"],
  table: Table<Row, Key, Index>
): ReadonlyArray<Row> => [...rowsOf(database, table).byKey].map((kept) => Result.getOrThrow(read(table, kept)))

/**
 * Another number whenever a row of the table may have changed, until the database is put back to a backup: for who looks into a database
 * and has looked before.
 */
export const versionOf = <Row, Key extends Parts, Index extends string>(
  database: MemoryDatabase["Service"],
  table: Table<Row, Key, Index>
): number => rowsOf(database, table).changes

const outside = Effect.die(new Error("Records.lock and Records.claim need a transaction: Transactions.within"))

export const layer: Layer.Layer<Records, never, MemoryDatabase> = Layer.effect(
  Records,
  Effect.map(MemoryDatabase, (database) => {
    const { attempt, inTransaction } = database

    const inside = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
      Effect.flatMap(inTransaction, (open) => (open ? effect : outside))

    const get = <Row, Key extends Parts, Index extends string>(table: Table<Row, Key, Index>, key: Key) =>
      attempt(() =>
        Result.flatMap(table.find(key), (found): Result.Result<Row | undefined, SqlError> => {
          const kept = rowsOf(database, table).byKey.get(SortKey.forUtf16(found))
          return kept === undefined ? Result.succeed(undefined) : read(table, kept)
        })
      )

    /** Writes the row if `allowed` says so of whether one with its key is there. */
    const write = <Row, Key extends Parts, Index extends string>(
      table: Table<Row, Key, Index>,
      row: Row,
      allowed: (there: boolean) => boolean
    ) =>
      attempt(() =>
        Result.map(keep(table, row), (kept) => {
          const rows = rowsOf(database, table)
          const may = allowed(rows.byKey.get(kept.key) !== undefined)
          if (may) rows.write(kept)
          return may
        })
      )

    const getAll = <Row, Key extends Parts, Index extends string>(
      table: Table<Row, Key, Index>,
      keys: ReadonlyArray<Key>
    ) =>
      attempt(() =>
        Result.flatMap(Result.all(keys.map(table.find)), (found) => {
          const each = new Set(found)
          bounded([...each])
          const { byKey } = rowsOf(database, table)
          const kept = [...each].flatMap((key) => byKey.get(SortKey.forUtf16(key)) ?? [])
          return Result.all(kept.map((one) => read(table, one)))
        })
      )

    const putAll = <Row, Key extends Parts, Index extends string>(
      table: Table<Row, Key, Index>,
      all: ReadonlyArray<Row>
    ) =>
      attempt(() =>
        Result.map(Result.all(all.map((row) => keep(table, row))), (kept) => {
          bounded(kept.map(({ key }) => key))
          const rows = rowsOf(database, table)
          for (const one of kept) rows.write(one)
        })
      )

    const page = <Row, Key extends Parts, Index extends string>(
      table: Table<Row, Key, Index>,
      index: Index | "key",
      options: PageOptions
    ) =>
      attempt(() =>
        Result.flatMap(table.range(options), ({ from, to }) => {
          const { byKey, indexes } = rowsOf(database, table)
          const sorted = index === "key" ? byKey : indexes.get(index)
          if (sorted === undefined) throw new Error(`${table.name} has no index ${index}`)
          const [first, last] = [SortKey.forUtf16(from), SortKey.forUtf16(to)]
          const found = sorted.range(first, last, options.limit, options.backwards)
          return Result.all(found.map((kept) => read(table, kept)))
        })
      )

    const look = <Row, Key extends Parts, Index extends string>(
      table: Table<Row, Key, Index>,
      index: Index | "key",
      { after, ...options }: LookOptions
    ) =>
      attempt(() =>
        Result.map(table.range(options), ({ from, to }): ReadonlyArray<Stored<Row>> => {
          const { byKey, indexes } = rowsOf(database, table)
          const sorted = index === "key" ? byKey : indexes.get(index)
          if (sorted === undefined) throw new Error(`${table.name} has no index ${index}`)
          const place = index === "key" ? -1 : table.indexes.indexOf(index)
          // The least text behind it.
          const first = after === undefined ? SortKey.forUtf16(from) : `${after}\0`
          return sorted.range(first, SortKey.forUtf16(to), options.limit).map((kept) => ({
            at: (place < 0 ? kept.key : kept.places[place]) ?? kept.key,
            key: SortKey.shown(kept.key),
            row: read(table, kept),
            isInPlace: true
          }))
        })
      )

    return Records.of({
      get,
      getAll: (table, keys) => (keys.length === 0 ? Effect.succeed([]) : getAll(table, keys)),
      lock: (table, key) => inside(get(table, key)),
      insert: (table, row) => write(table, row, (there) => !there),
      replace: (table, row) => write(table, row, (there) => there),
      put: (table, row) => Effect.asVoid(write(table, row, () => true)),
      putAll: (table, rows) => (rows.length === 0 ? Effect.void : putAll(table, rows)),
      remove: (table, key) =>
        attempt(() => Result.map(table.find(key), (found) => rowsOf(database, table).remove(SortKey.forUtf16(found)))),
      page,
      look,
      // As a statement, which may fail and takes its time.
      claim: () => inside(attempt(() => Result.succeed(undefined)))
    })
  })
)
