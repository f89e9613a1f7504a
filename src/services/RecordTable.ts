/**
 * What `Records` has to know of a table: its name, how its rows become JSON, and the keys under which they are found.
 *
 * Row, key and indexes are functions of the row alone. A released table may get optional fields; another key or index needs a table
 * of another name.
 */
import { Result, Schema } from "effect"
import { SqlError, UnknownError } from "effect/sql/SqlError"
import * as SortKey from "../protocol/SortKey.ts"

export type Part = SortKey.Part
/** What a row is found by: one to three texts or integers. */
export type Parts = readonly [Part] | readonly [Part, Part] | readonly [Part, Part, Part]

/** Bytes of a row's JSON in UTF-8. */
export const maxContentBytes = 4 * 1024 * 1024
/** Bytes of a row's key, as `SortKey` writes it, and of an index's parts with the key behind them. */
export const maxKeyBytes = 1_000
export const maxPlaceBytes = 2_000
export const maxIndexes = 4

/**
 * A row that cannot be read as what its table is for, or cannot be written as that. It is the `cause` of the reason of an `SqlError`
 * that is not retryable, so that handlers of protocols fail with it like with any other failure of their database.
 */
export class RecordUnfit extends Schema.TaggedError<RecordUnfit>()("RecordUnfit", {
  table: Schema.String,
  /** The parts of the key as far as they are known, as text. */
  key: Schema.String,
  problem: Schema.Literals(["unreadable", "unwritable", "too large", "key unfit"]),
  cause: Schema.optional(Schema.Defect())
}) {
  override get message(): string {
    const why = this.cause instanceof Error ? `: ${this.cause.message}` : ""
    return `The row ${this.key} of ${this.table} is refused (${this.problem})${why}`
  }
}

const failure = (cause: RecordUnfit): SqlError =>
  new SqlError({ reason: new UnknownError({ cause, message: cause.message, operation: "records" }) })

/** What is wrong with the row, if that is why the statement has failed. */
export const unfit = (error: SqlError): RecordUnfit | undefined =>
  error.reason.cause instanceof RecordUnfit ? error.reason.cause : undefined

/** Where a row is: its key, and its place in each index, in the order of `indexes`; `undefined` where it is not. */
export interface Places {
  readonly key: string
  readonly places: ReadonlyArray<string | undefined>
}

/** Which rows of an index, or of `"key"`. */
export interface PageOptions {
  /** The first parts that the rows have in common; all rows without. */
  readonly prefix?: ReadonlyArray<Part>
  /**
   * Goes on after all rows that begin with these parts (backwards: before them): those of `prefix`, and more. `Table.parts` of the
   * last row of a page makes the next one follow it.
   */
  readonly after?: ReadonlyArray<Part> | undefined
  /** At most `maxPage`. */
  readonly limit: number
  readonly backwards?: boolean
}

/** Which rows to look at, in the order of an index or of `"key"`. */
export interface LookOptions {
  /** The first parts that the rows have in common; all rows without. */
  readonly prefix?: ReadonlyArray<Part>
  /** Goes on behind the row that was found there: `Stored.at`. */
  readonly after?: string | undefined
  /** At most `maxPage`. */
  readonly limit: number
}

/** A row as it is stored, whether it fits its table or not. */
export interface Stored<Row> {
  /** Where it was found, in a form of the database's own. */
  readonly at: string
  /** Its key, for people: `[ann, 7]`. */
  readonly key: string
  /** The row, or a failure whose `Records.unfit` says why it cannot be read. */
  readonly row: Result.Result<Row, SqlError>
  /** Whether its key and its places in all indexes are those of what it says; a row that cannot be read is nowhere. */
  readonly isInPlace: boolean
}

/** Most rows of a page. */
export const maxPage = 1_000

/** Throws where many rows are asked for or written wrongly: too many at once, or one twice. */
export const bounded = (keys: ReadonlyArray<unknown>): void => {
  if (keys.length > maxPage) throw new Error(`${keys.length} rows at once, ${maxPage} are allowed`)
  if (new Set(keys).size < keys.length) throw new Error("one row is there twice")
}

export interface Table<Row, Key extends Parts, Index extends string = never> {
  readonly name: string
  readonly indexes: ReadonlyArray<string>
  /** The row's JSON. */
  readonly write: (row: Row) => Result.Result<string, SqlError>
  /** The row of a parsed JSON value; `key` is what it was found by. */
  readonly read: (content: unknown, key: string) => Result.Result<Row, SqlError>
  readonly find: (key: Key) => Result.Result<string, SqlError>
  readonly places: (row: Row) => Result.Result<Places, SqlError>
  /** Which keys or places a page has. Throws when the page is asked for wrongly. */
  readonly range: (options: PageOptions) => Result.Result<SortKey.Range, SqlError>
  /** Rows as they are, of a database in memory, by what it keeps in place of each. */
  readonly held: WeakMap<object, Row>
  /** The row's parts in an index with those of its key behind them, or only these: what a page goes on `after`. */
  readonly parts: (index: Index | "key", row: Row) => ReadonlyArray<Part> | undefined
}

/** A table of rows as `Records` keeps them. */
export interface Definition<Row, Key extends Parts, Index extends string> {
  /** How a row is written down, with `Schema.toCodecJson`. */
  readonly row: Schema.Codec<Row, unknown>
  readonly key: (row: Row) => Key
  /** Other orders of the rows; a row for which there is `undefined` is not in that one. */
  readonly indexes?: { readonly [I in Index]: (row: Row) => Parts | undefined }
}

const shown = (parts: ReadonlyArray<Part>): string => `[${parts.map(String).join(", ").slice(0, 200)}]`

const utf8 = (text: string): number => Buffer.byteLength(text)

const checkNames = (name: string, indexes: ReadonlyArray<string>): void => {
  if (!/^[a-z][a-z0-9_]{0,31}$/.test(name)) throw new Error(`"${name}" is not a table's name: credit_halves`)
  if (indexes.length > maxIndexes) throw new Error(`${name} has more than ${maxIndexes} indexes`)
  const wrong = indexes.find((index) => index === "key" || !/^[a-z][a-z0-9_]{0,23}$/.test(index))
  if (wrong !== undefined) throw new Error(`"${wrong}" is not the name of an index of ${name}: partner`)
}

/**
 * Defines a table. Names are lower case with digits and `_`: at most 32 characters for the table, which is its name in SQL, too, and
 * 24 for an index.
 */
export const make = <Row, const Key extends Parts, Index extends string = never>(
  name: string,
  { indexes: given, key: keyOf, row: schema }: Definition<Row, Key, Index>
): Table<Row, Key, Index> => {
  const orders = new Map<string, (row: Row) => Parts | undefined>(Object.entries(given ?? {}))
  const indexes = [...orders.keys()]
  checkNames(name, indexes)
  const codec = Schema.toCodecJson(schema)
  const encode = Schema.encodeResult(codec)
  const decode = Schema.decodeUnknownResult(codec)

  const unfit = (key: string, problem: RecordUnfit["problem"], cause?: unknown) =>
    Result.fail(failure(new RecordUnfit({ table: name, key, problem, cause })))

  const encoded = (parts: ReadonlyArray<Part>, most: number): Result.Result<string, SqlError> => {
    const problem = SortKey.problem(parts)
    if (problem !== undefined) return unfit(shown(parts), "key unfit", new Error(problem))
    const key = SortKey.encode(parts)
    return utf8(key) <= most ? Result.succeed(key) : unfit(shown(parts), "key unfit", new Error(`over ${most} bytes`))
  }

  const partsOf = (index: Index | "key", row: Row): ReadonlyArray<Part> | undefined => {
    if (index === "key") return keyOf(row)
    const parts = orders.get(index)?.(row)
    return parts === undefined ? undefined : [...parts, ...keyOf(row)]
  }

  return {
    name,
    indexes,
    held: new WeakMap(),
    parts: partsOf,
    find: (key) => encoded(key, maxKeyBytes),
    write: (row) => {
      const written = encode(row)
      if (Result.isFailure(written)) return unfit(shown(keyOf(row)), "unwritable", written.failure)
      const text = JSON.stringify(written.success)
      return utf8(text) <= maxContentBytes ? Result.succeed(text) : unfit(shown(keyOf(row)), "too large")
    },
    read: (content, key) => {
      const row = decode(content)
      if (Result.isSuccess(row)) return Result.succeed(row.success)
      return unfit(key.replaceAll("\u0001", " ").trimEnd(), "unreadable", row.failure)
    },
    places: (row) => {
      const own = keyOf(row)
      const key = encoded(own, maxKeyBytes)
      if (Result.isFailure(key)) return Result.fail(key.failure)
      const places: Array<string | undefined> = []
      for (const order of orders.values()) {
        const parts = order(row)
        const place = parts && encoded([...parts, ...own], maxPlaceBytes)
        if (place !== undefined && Result.isFailure(place)) return Result.fail(place.failure)
        places.push(place?.success)
      }
      return Result.succeed({ key: key.success, places })
    },
    range: ({ after, backwards = false, limit, prefix = [] }) => {
      if (!(Number.isInteger(limit) && limit > 0 && limit <= maxPage)) throw new Error(`a page of ${limit} rows`)
      const problem = SortKey.problem([...prefix, ...(after ?? [])])
      if (problem !== undefined) return unfit(shown(after ?? prefix), "key unfit", new Error(problem))
      const [first, last] = [SortKey.encode(prefix), after && SortKey.encode(after)]
      if (last?.startsWith(first) === false) throw new Error(`a page of ${shown(prefix)} after ${shown(after ?? [])}`)
      return Result.succeed(SortKey.within(first, last, backwards))
    }
  }
}
