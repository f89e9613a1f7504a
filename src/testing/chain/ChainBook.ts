/**
 * What a node makes of its blocks: one entry for each that is applied or taken back, in the transactions in which that happens, and
 * written with no care at all: a block that is applied twice is in it twice.
 */
import { Context, Effect, Layer, Option, Result, Schema } from "effect"
import { SqlClient, SqlSchema } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import { MemoryDatabase, MemorySlot } from "../../layers/MemoryDatabase.ts"
import { MemoryTable } from "../../layers/MemoryTable.ts"
import type { BlockHeader } from "../../protocol/chain/BlockHeader.ts"
import type { Held } from "../../protocol/chain/BlockWindow.ts"
import type { Ledger } from "../../services/chain/Ledger.ts"
import { sumOf } from "./ChainItem.ts"

export const Entry = Schema.Struct({
  what: Schema.Literals(["applied", "undone"]),
  height: Schema.Int,
  id: Schema.String,
  previous: Schema.String,
  weight: Schema.Int,
  /** Of the numbers of its items. */
  sum: Schema.Int
})
export type Entry = typeof Entry.Type

export class ChainBook extends Context.Service<
  ChainBook,
  {
    readonly write: (entry: Entry) => Effect.Effect<void, SqlError>
    readonly entries: Effect.Effect<ReadonlyArray<Entry>, SqlError>
  }
>()("holdfast/testing/chain/ChainBook") {
  /** In the memory database of the node if it has one, else by SQL. */
  static readonly layer: Layer.Layer<ChainBook, never, SqlClient.SqlClient> = Layer.unwrap(
    Effect.map(Effect.serviceOption(MemoryDatabase), (memory) =>
      Option.isSome(memory) ? layerMemory(memory.value) : layerSql
    )
  )
}

/** The book in a memory database, numbered from 1. */
export const bookIn = new MemorySlot((log) => new MemoryTable<bigint, Entry>(log))

const layerMemory = (database: MemoryDatabase["Service"]): Layer.Layer<ChainBook> =>
  Layer.sync(ChainBook, () => {
    const book = bookIn.of(database)
    return ChainBook.of({
      write: (entry) => database.attempt(() => Result.succeed(book.set(BigInt(book.size) + 1n, entry))),
      entries: database.attempt(() => Result.succeed([...book]))
    })
  })

/** The table of the SQL book; `content` is an entry as JSON. */
export const createTable = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql`create table if not exists chain_book (place integer primary key, content text not null)`
)

const layerSql: Layer.Layer<ChainBook, never, SqlClient.SqlClient> = Layer.effect(
  ChainBook,
  Effect.map(SqlClient.SqlClient, (sql) => {
    const read = SqlSchema.findAll({
      Request: Schema.Void,
      Result: Schema.Struct({ content: Schema.fromJsonString(Entry) }),
      execute: () => sql`select content from chain_book order by place`
    })
    return ChainBook.of({
      write: (entry) =>
        Effect.asVoid(sql`
          insert into chain_book (place, content)
          select count(*)::int + 1, ${JSON.stringify(entry)} from chain_book`),
      entries: read(undefined).pipe(
        Effect.map((rows) => rows.map(({ content }) => content)),
        Effect.catchTag("SchemaError", Effect.die)
      )
    })
  })
)

const entryOf = (what: Entry["what"], { body, header, height }: Held<BlockHeader>): Entry => {
  const { id, previous, weight } = header
  return { what, height, id, previous, weight, sum: sumOf(body) }
}

/** The program of a node: it writes its book. */
export const ledger: Ledger<BlockHeader, ChainBook> = {
  apply: (block) => ChainBook.use(({ write }) => write(entryOf("applied", block))),
  undo: (block) => ChainBook.use(({ write }) => write(entryOf("undone", block)))
}
