/**
 * Where the nodes of a crash test keep their databases: each on its own PostgreSQL server, or in its own data folder.
 * The tables of the load are made before the first start, and read after the last end, through connections of the
 * test's own.
 */
import { Effect, Layer, Redacted, Schedule, Schema } from "effect"
import { SqlClient } from "effect/sql"
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import * as Pglite from "../../../src/layers/Pglite.ts"
import * as Postgres from "../../../src/layers/Postgres.ts"
import { files } from "../../../src/programs/FolderFiles.ts"
import { copyTo } from "../EmbeddedDatabase.ts"
import { freePort } from "../FreePort.ts"
import { createDatabase, dropDatabase, type Server, start as startServer } from "../PostgresServer.ts"
import type { Books } from "./Accounting.ts"
import { Kind, tables } from "./Load.ts"

export type Driver = "postgres" | "pglite"

/** A node's folder, database and port, the same over all its lives. */
export interface Place {
  readonly data: string
  /** The URL of its PostgreSQL database, unless it is the one in the folder. */
  readonly database: string | undefined
  /** The server that is its own, to be killed; the nodes of other places do not notice. */
  readonly server: Server | undefined
  readonly port: number
  readonly dispose: () => Promise<void>
}

const Count = Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: 0n, maximum: BigInt(Number.MAX_SAFE_INTEGER) }))
const Messages = Schema.Array(
  Schema.Struct({ id: Schema.String, kind: Kind, subject: Schema.String, n: Schema.Int, at: Count })
)
const decodeMessages = Schema.decodeUnknownSync(Messages)
const decodeTold = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ id: Schema.String, outcome: Schema.String, at: Count }))
)
const decodeTotals = Schema.decodeUnknownSync(Schema.Tuple([Schema.Struct({ owed: Count, duplicates: Count })]))

/** A limit that a test sets for its nodes is none for the test itself. */
const unlimited = (database: string): Redacted.Redacted => {
  const url = new URL(database)
  url.searchParams.set("options", "-c statement_timeout=0")
  return Redacted.make(url.toString())
}

const client = ({ data, database }: Pick<Place, "data" | "database">): Layer.Layer<SqlClient.SqlClient> =>
  database === undefined
    ? Layer.orDie(Pglite.layer({ dataDir: path.join(data, files.database) }))
    : Layer.orDie(Postgres.layer({ url: unlimited(database), maxConnections: 1 }))

/** Runs statements of the test's own on the database of a place, which no process must have open if it is embedded. */
export const using = <A, E>(
  place: Pick<Place, "data" | "database">,
  effect: Effect.Effect<A, E, SqlClient.SqlClient>
): Promise<A> => Effect.runPromise(Effect.provide(effect, client(place)))

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const table of tables) yield* sql.unsafe(table)
})

/** What is in the database of a place. */
export const books = (place: Place): Promise<Books> =>
  using(
    place,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const timed = <Row extends { readonly at: bigint }>(rows: ReadonlyArray<Row>) =>
        rows.map((row) => ({ ...row, at: Number(row.at) }))
      const messages = (rows: ReadonlyArray<unknown>) => timed(decodeMessages(rows))
      const [totals] = decodeTotals(
        yield* sql`SELECT (SELECT count(*) FROM holdfast_outbox) AS owed,
          (SELECT coalesce(sum(duplicates), 0)::bigint FROM holdfast_arrivals) AS duplicates`
      )
      return {
        sent: messages(yield* sql`SELECT id, kind, subject, n, at FROM crash_sent ORDER BY place`),
        arrived: messages(yield* sql`SELECT id, kind, subject, n, at FROM crash_arrived ORDER BY place`),
        told: timed(decodeTold(yield* sql`SELECT id, outcome, at FROM crash_outcomes ORDER BY place`)),
        owed: Number(totals.owed),
        duplicates: Number(totals.duplicates)
      }
    })
  )

/** Until a process owns the node of a place: the owner's session has gone with its server, and it makes another one. */
export const owned = (place: Place): Promise<unknown> =>
  using(
    place,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const held = sql`
        SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
        WHERE locktype = 'advisory' AND granted AND datname = current_database()`
      return yield* Effect.repeat(held, { until: ({ length }) => length > 0, schedule: Schedule.spaced("50 millis") })
    }).pipe(Effect.timeout("3 minutes"))
  )

/** A new place; on PostgreSQL with a server of its own unless the URL of one is given. */
export const prepare = async (driver: Driver, given?: string): Promise<Place> => {
  const data = await fs.mkdtemp(path.join(os.tmpdir(), "holdfast-crash-"))
  const own = driver === "postgres" && given === undefined ? await startServer({ own: true }) : undefined
  const server = driver === "postgres" ? (given ?? own?.url) : undefined
  const database = server === undefined ? undefined : await createDatabase(server)
  if (driver === "pglite") await Effect.runPromise(copyTo(path.join(data, files.database)))
  await using({ data, database }, make)
  return {
    data,
    database,
    server: own,
    port: await freePort(),
    dispose: async () => {
      if (own !== undefined) await own.stop()
      else if (server !== undefined && database !== undefined) await dropDatabase(server, database)
      await fs.rm(data, { recursive: true, force: true })
    }
  }
}
