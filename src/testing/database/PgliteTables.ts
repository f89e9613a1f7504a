/**
 * What can be done to all tables of an embedded database at once: empty them, copy them, put the copies back. By plain
 * SQL on the one session, with no transaction open.
 *
 * Tables of a scenario's own are moved aside when they are to be gone, because a backup may bring them back.
 */
import { Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import * as Migrations from "../../layers/Migrations.ts"
import type * as PostgresConnection from "../../layers/PostgresConnection.ts"

type Work = Effect.Effect<void, SqlError>

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

const copyOf = (snapshot: number): string => `simulated_${snapshot}`
const attic = "simulated_attic"
const sequences = "sequences of all"

/** As a new session begins, but for the statements that the driver has prepared. */
const disconnecting = [
  "ROLLBACK",
  "CLOSE ALL",
  "UNLISTEN *",
  "SELECT pg_advisory_unlock_all()",
  "RESET SESSION AUTHORIZATION",
  "RESET ALL",
  "DISCARD TEMP",
  "DISCARD SEQUENCES"
]

export class PgliteTables {
  readonly #session: PostgresConnection.Session
  readonly #own: ReadonlySet<string>
  readonly #things: string
  private constructor(session: PostgresConnection.Session, own: ReadonlyArray<string>, things: string) {
    this.#session = session
    this.#own = new Set(own)
    this.#things = things
  }

  /** Of a database that has been migrated and has nothing else in it. */
  static readonly of = Effect.fnUntraced(function* (session: PostgresConnection.Session) {
    return new PgliteTables(session, yield* tablesIn(session, "public"), yield* thingsIn(session))
  })

  /** The process at the other end is gone: rolls back what is open. */
  get disconnect(): Work {
    return this.#all(disconnecting)
  }

  /** As it was in the beginning. What cannot be undone is a defect: the database is to be thrown away then. */
  get reset(): Work {
    return Effect.gen({ self: this }, function* () {
      yield* this.disconnect
      const schemas = yield* this.#names(
        String.raw`SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE 'simulated\_%' ORDER BY 1`
      )
      for (const schema of schemas) yield* this.#run(`DROP SCHEMA ${quoted(schema)} CASCADE`)
      for (const table of yield* this.#others) yield* this.#run(`DROP TABLE public.${quoted(table)} CASCADE`)
      yield* this.#empty(this.#own)
      // Or the log grows from run to run: nothing else ever cuts it off.
      yield* this.#run("CHECKPOINT")
      const left = yield* thingsIn(this.#session)
      if (left !== this.#things)
        return yield* Effect.die(new Error("a scenario left something in the embedded database"))
    })
  }

  /** Nothing is left but the tables of the migrations, empty. */
  get wipe(): Work {
    return Effect.gen({ self: this }, function* () {
      for (const table of yield* this.#others) yield* this.#moveAside(table)
      yield* this.#empty(this.#own)
    })
  }

  /** Copies everything. */
  take(snapshot: number): Work {
    return Effect.gen({ self: this }, function* () {
      const schema = copyOf(snapshot)
      yield* this.#run(`CREATE SCHEMA ${schema}`)
      for (const table of yield* tablesIn(this.#session, "public")) {
        yield* this.#run(`CREATE TABLE ${schema}.${quoted(table)} AS TABLE public.${quoted(table)}`)
      }
      yield* this.#run(
        `CREATE TABLE ${schema}.${quoted(sequences)} AS
         SELECT sequencename, start_value, last_value FROM pg_sequences WHERE schemaname = 'public'`
      )
    })
  }

  /** Puts a copy back. */
  restore(snapshot: number): Work {
    return Effect.gen({ self: this }, function* () {
      const schema = copyOf(snapshot)
      const copied = (yield* tablesIn(this.#session, schema)).filter((table) => table !== sequences)
      const present = yield* tablesIn(this.#session, "public")
      for (const table of present) if (!copied.includes(table)) yield* this.#moveAside(table)
      for (const table of copied) {
        if (!present.includes(table)) yield* this.#run(`ALTER TABLE ${attic}.${quoted(table)} SET SCHEMA public`)
      }
      // No checks of foreign keys: the rows were fine when they were copied.
      yield* this.#run("SET session_replication_role = replica")
      yield* this.#empty(copied)
      for (const table of copied) {
        const columns = (yield* this.#names(
          `SELECT attname AS name FROM pg_attribute WHERE attrelid = '${schema}.${quoted(table)}'::regclass
             AND attnum > 0 AND NOT attisdropped AND attname NOT IN (
               SELECT attname FROM pg_attribute WHERE attrelid = 'public.${quoted(table)}'::regclass AND attgenerated <> ''
             ) ORDER BY attnum`
        )).map(quoted)
        yield* this.#run(
          `INSERT INTO public.${quoted(table)} (${columns.join(", ")}) OVERRIDING SYSTEM VALUE
           SELECT ${columns.join(", ")} FROM ${schema}.${quoted(table)}`
        )
      }
      yield* this.#run(
        `SELECT setval(format('public.%I', sequencename)::regclass, coalesce(last_value, start_value), last_value IS NOT NULL)
         FROM ${schema}.${quoted(sequences)}`
      )
      yield* this.#run("RESET session_replication_role")
    })
  }

  forget(snapshot: number): Work {
    return this.#run(`DROP SCHEMA ${copyOf(snapshot)} CASCADE`)
  }

  /** Tables that no migration made. */
  get #others(): Effect.Effect<ReadonlyArray<string>, SqlError> {
    return Effect.map(tablesIn(this.#session, "public"), (tables) => tables.filter((table) => !this.#own.has(table)))
  }

  #empty(tables: Iterable<string>): Work {
    const names = Array.from(tables, (table) => `public.${quoted(table)}`)
    return this.#run(`TRUNCATE ${names.join(", ")} RESTART IDENTITY CASCADE`)
  }

  #moveAside(table: string): Work {
    return this.#all([
      `CREATE SCHEMA IF NOT EXISTS ${attic}`,
      `DROP TABLE IF EXISTS ${attic}.${quoted(table)} CASCADE`,
      `ALTER TABLE public.${quoted(table)} SET SCHEMA ${attic}`
    ])
  }

  #names(sql: string): Effect.Effect<ReadonlyArray<string>, SqlError> {
    return namesOf(this.#session, sql)
  }

  #run(sql: string): Work {
    return Effect.asVoid(this.#session.query(sql, [], false))
  }

  #all(statements: ReadonlyArray<string>): Work {
    return Effect.forEach(statements, (sql) => this.#run(sql), { discard: true })
  }
}

const namesOf = (session: PostgresConnection.Session, sql: string): Effect.Effect<ReadonlyArray<string>, SqlError> =>
  Effect.map(session.query(sql, [], false), ({ rows }) => rows.map(({ name }) => String(name)))

/** All but the one that remembers the migrations. */
const tablesIn = (
  session: PostgresConnection.Session,
  schema: string
): Effect.Effect<ReadonlyArray<string>, SqlError> =>
  namesOf(
    session,
    `SELECT tablename AS name FROM pg_tables
     WHERE schemaname = '${schema}' AND tablename <> '${Migrations.table}' ORDER BY 1`
  )

/** Everything that has a name in the database's one schema. */
const thingsIn = (session: PostgresConnection.Session): Effect.Effect<string, SqlError> =>
  Effect.map(
    namesOf(
      session,
      `SELECT name FROM (
         SELECT relkind::text || ' ' || relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace
         UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
         UNION ALL SELECT 'type ' || typname FROM pg_type WHERE typnamespace = 'public'::regnamespace
       ) AS things ORDER BY 1`
    ),
    (names) => names.join("\n")
  )
