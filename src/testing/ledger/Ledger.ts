/**
 * A node's ledger: what it has sent and taken back, what has taken effect, what it has learned. Written in the transactions of the
 * messages themselves and with no care at all: a message that takes effect twice is in it twice.
 */
import { Context, Effect, Layer, Option, Result, Schema } from "effect"
import { SqlClient, SqlSchema } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import { MemoryDatabase, MemorySlot } from "../../layers/MemoryDatabase.ts"
import type { UndoLog } from "../../layers/UndoLog.ts"
import { MemoryTable } from "../../layers/MemoryTable.ts"
import { Cancelled, Concluded, Effected, Sent } from "./LedgerMessage.ts"

/** Everything that a ledger says. */
export interface Account {
  readonly sent: ReadonlyArray<Sent>
  readonly effects: ReadonlyArray<Effected>
  readonly conclusions: ReadonlyArray<Concluded>
  readonly cancellations: ReadonlyArray<Cancelled>
}

export class Ledger extends Context.Service<
  Ledger,
  {
    /** The number of the next message that is sent. */
    readonly next: Effect.Effect<number, SqlError>
    readonly sent: (row: Sent) => Effect.Effect<void, SqlError>
    readonly effected: (row: Effected) => Effect.Effect<void, SqlError>
    readonly concluded: (row: Concluded) => Effect.Effect<void, SqlError>
    readonly cancelled: (row: Cancelled) => Effect.Effect<void, SqlError>
    /** The last effect that a message has had. */
    readonly effectOf: (id: string) => Effect.Effect<Effected | undefined, SqlError>
    readonly account: Effect.Effect<Account, SqlError>
  }
>()("holdfast/testing/ledger/Ledger") {
  /** In the memory database of the node if it has one, else by SQL. */
  static readonly layer: Layer.Layer<Ledger, never, SqlClient.SqlClient> = Layer.unwrap(
    Effect.map(Effect.serviceOption(MemoryDatabase), (memory) =>
      Option.isSome(memory) ? layerMemory(memory.value) : layerSql
    )
  )
}

/** The ledger in a memory database. Rows are numbered from 1 in the order of writing. */
export class LedgerTables {
  readonly sent: MemoryTable<bigint, Sent>
  readonly effects: MemoryTable<bigint, Effected>
  readonly conclusions: MemoryTable<bigint, Concluded>
  readonly cancellations: MemoryTable<bigint, Cancelled>
  constructor(log: UndoLog) {
    this.sent = new MemoryTable(log)
    this.effects = new MemoryTable(log)
    this.conclusions = new MemoryTable(log)
    this.cancellations = new MemoryTable(log)
  }
}
export const tablesIn = new MemorySlot((log) => new LedgerTables(log))

const layerMemory = (database: MemoryDatabase["Service"]): Layer.Layer<Ledger> =>
  Layer.sync(Ledger, () => {
    const tables = tablesIn.of(database)
    const append = <V>(table: MemoryTable<bigint, V>, row: V) =>
      database.attempt(() => Result.succeed(table.set(BigInt(table.size) + 1n, row)))
    return Ledger.of({
      next: database.attempt(() => Result.succeed(tables.sent.size + 1)),
      sent: (row) => append(tables.sent, row),
      effected: (row) => append(tables.effects, row),
      concluded: (row) => append(tables.conclusions, row),
      cancelled: (row) => append(tables.cancellations, row),
      effectOf: (id) =>
        database.attempt(() => {
          let last: Effected | undefined
          for (const effect of tables.effects) if (effect.id === id) last = effect
          return Result.succeed(last)
        }),
      account: database.attempt(() =>
        Result.succeed({
          sent: [...tables.sent],
          effects: [...tables.effects],
          conclusions: [...tables.conclusions],
          cancellations: [...tables.cancellations]
        })
      )
    })
  })

/** The table of the SQL ledger; `content` is a row as JSON. */
export const createTable = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql`
    create table if not exists ledger (kind text not null, place integer not null, content text not null,
      primary key (kind, place))`
)

const layerSql: Layer.Layer<Ledger, never, SqlClient.SqlClient> = Layer.effect(
  Ledger,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const count = (kind: string) =>
      Effect.map(
        sql<{ readonly rows: number }>`select count(*)::int as rows from ledger where kind = ${kind}`,
        ([row]) => row?.rows ?? 0
      )
    const append = (kind: string) => (row: object) =>
      Effect.flatMap(count(kind), (place) =>
        Effect.asVoid(sql`insert into ledger ${sql.insert({ kind, place, content: JSON.stringify(row) })}`)
      )
    const all = <A, I>(kind: string, row: Schema.Codec<A, I>) =>
      SqlSchema.findAll({
        Request: Schema.Void,
        Result: Schema.Struct({ content: Schema.fromJsonString(row) }),
        execute: () => sql`select content from ledger where kind = ${kind} order by place`
      })(undefined).pipe(
        Effect.map((rows) => rows.map(({ content }) => content)),
        Effect.catchTag("SchemaError", Effect.die)
      )
    const effects = all("effect", Effected)
    return Ledger.of({
      next: Effect.map(count("sent"), (sent) => sent + 1),
      sent: append("sent"),
      effected: append("effect"),
      concluded: append("conclusion"),
      cancelled: append("cancellation"),
      effectOf: (id) => Effect.map(effects, (rows) => rows.findLast((effect) => effect.id === id)),
      account: Effect.all({
        sent: all("sent", Sent),
        effects,
        conclusions: all("conclusion", Concluded),
        cancellations: all("cancellation", Cancelled)
      })
    })
  })
)
