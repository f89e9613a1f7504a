/**
 * Looking for damage in the tables of a protocol, for its `audit`: rows one by one as they are stored, and those that do not fit.
 */
import { Effect, Option, Result, Stream } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Examination, Flaw } from "./delivery/ProtocolAudit.ts"
import { Records } from "./Records.ts"
import type { Part, Parts, Stored, Table } from "./RecordTable.ts"

/** Rows of a page: all that is held of a table at a time. */
export const pageOf = 64

/** What undoes damage that no command mends. */
export const restore = "Stop the node and restore the newest backup of its database: partners bring what came later."

/** Pages of rows as they are stored, in the order of an index or of the key. Never empty ones. */
export const pages = <Row, Key extends Parts, Index extends string>(
  table: Table<Row, Key, Index>,
  index: Index | "key" = "key",
  prefix: ReadonlyArray<Part> = []
): Stream.Stream<ReadonlyArray<Stored<Row>>, SqlError, Records> =>
  Stream.paginate<string | undefined, ReadonlyArray<Stored<Row>>, SqlError, Records>(undefined, (after) =>
    Effect.map(
      Records.use((records) => records.look(table, index, { prefix, after, limit: pageOf })),
      (page) => {
        const next = page.length < pageOf ? undefined : page.at(-1)?.at
        return [page.length === 0 ? [] : [page], Option.fromUndefinedOr(next)] as const
      }
    )
  )

/** Pages of those rows that can be read. */
export const readable = <Row, Key extends Parts, Index extends string>(
  table: Table<Row, Key, Index>,
  index: Index | "key" = "key",
  prefix: ReadonlyArray<Part> = []
): Stream.Stream<ReadonlyArray<Row>, SqlError, Records> =>
  Stream.map(pages(table, index, prefix), (page) =>
    page.flatMap(({ row }) => (Result.isSuccess(row) ? [row.success] : []))
  )

/** What is wrong with a row as it is stored, of itself. */
export const misfit = <Row>(table: string, { isInPlace, key, row }: Stored<Row>): ReadonlyArray<Flaw> => {
  const about = `${table} ${key}`
  if (Result.isFailure(row)) {
    const why = Records.unfit(row.failure)?.message ?? row.failure.message
    return [{ name: "row-unreadable", about, detail: `It cannot be read. ${why}`, fix: restore }]
  }
  if (isInPlace) return []
  const detail = "Its content says another key, or other places in the indexes, than it is found at."
  return [{ name: "row-misplaced", about, detail, fix: restore }]
}

/** Finds the rows that cannot be read, `row-unreadable`, and those that are not where they say, `row-misplaced`. */
export const rows = <Row, Key extends Parts, Index extends string>(
  table: Table<Row, Key, Index>
): Examination<Records> => ({
  what: `rows of ${table.name}`,
  flaws: Stream.flatMap(pages(table), (page) => Stream.fromIterable(page.flatMap((one) => misfit(table.name, one))))
})

/** The first row, in the order of an index or of the key, if there is one and it can be read. */
export const first = Effect.fnUntraced(function* <Row, Key extends Parts, Index extends string>(
  table: Table<Row, Key, Index>,
  index: Index | "key",
  prefix: ReadonlyArray<Part>
) {
  const [found] = yield* (yield* Records).look(table, index, { prefix, limit: 1 })
  return found !== undefined && Result.isSuccess(found.row) ? found.row.success : undefined
})
