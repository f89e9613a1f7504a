/**
 * A node's book of its timers: what was set, taken back and has rung, in the order of the commits. Written in the
 * transactions of the timers themselves and with no care at all: one that rings twice is in it twice.
 */
import { Context, Effect, Layer, Option, Result, Schema } from "effect"
import { SqlClient, SqlSchema } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import { MemoryDatabase, MemorySlot } from "../../layers/MemoryDatabase.ts"
import { MemoryTable } from "../../layers/MemoryTable.ts"

export const Entry = Schema.Union([
  Schema.TaggedStruct("Set", {
    id: Schema.String,
    /** Of this setting alone: an id may be set again. */
    key: Schema.String,
    /** By the wall clock of the node at that moment, or a time that it is to have then. */
    dueAt: Schema.Int,
    /** Whether nothing but its time has to come: no failure is wished for. */
    plain: Schema.Boolean
  }),
  /** `found`: whether there was anything to take back. */
  Schema.TaggedStruct("Cancelled", { id: Schema.String, found: Schema.Boolean }),
  /** `at`: by the wall clock of the node. */
  Schema.TaggedStruct("Rang", { id: Schema.String, key: Schema.String, at: Schema.Int })
]).pipe(Schema.toTaggedUnion("_tag"))
export type Entry = typeof Entry.Type

export class TimerBook extends Context.Service<
  TimerBook,
  {
    readonly write: (entry: Entry) => Effect.Effect<void, SqlError>
    readonly entries: Effect.Effect<ReadonlyArray<Entry>, SqlError>
  }
>()("holdfast/testing/timers/TimerBook") {
  /** In the memory database of the node if it has one, else by SQL. */
  static readonly layer: Layer.Layer<TimerBook, never, SqlClient.SqlClient> = Layer.unwrap(
    Effect.map(Effect.serviceOption(MemoryDatabase), (memory) =>
      Option.isSome(memory) ? layerMemory(memory.value) : layerSql
    )
  )
}

/** The book in a memory database, numbered from 1. */
export const bookIn = new MemorySlot((log) => new MemoryTable<bigint, Entry>(log))

const layerMemory = (database: MemoryDatabase["Service"]): Layer.Layer<TimerBook> =>
  Layer.sync(TimerBook, () => {
    const book = bookIn.of(database)
    return TimerBook.of({
      write: (entry) => database.attempt(() => Result.succeed(book.set(BigInt(book.size) + 1n, entry))),
      entries: database.attempt(() => Result.succeed([...book]))
    })
  })

/** The table of the SQL book; `content` is an entry as JSON. */
export const createTable = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql`create table if not exists timer_book (place integer primary key, content text not null)`
)

const layerSql: Layer.Layer<TimerBook, never, SqlClient.SqlClient> = Layer.effect(
  TimerBook,
  Effect.map(SqlClient.SqlClient, (sql) => {
    const read = SqlSchema.findAll({
      Request: Schema.Void,
      Result: Schema.Struct({ content: Schema.fromJsonString(Entry) }),
      execute: () => sql`select content from timer_book order by place`
    })
    return TimerBook.of({
      write: (entry) =>
        Effect.asVoid(sql`
          insert into timer_book (place, content)
          select count(*)::int + 1, ${JSON.stringify(entry)} from timer_book`),
      entries: read(undefined).pipe(
        Effect.map((rows) => rows.map(({ content }) => content)),
        Effect.catchTag("SchemaError", Effect.die)
      )
    })
  })
)
