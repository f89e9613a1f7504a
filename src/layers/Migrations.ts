/**
 * Brings a database to the form that this version needs, on PostgreSQL and on the embedded database alike.
 *
 * All pending migrations run in one transaction, in the order of their numbers, each once: a failure leaves the
 * database as it was. Processes that start at the same time wait for each other. A database that a newer version has
 * already changed is refused rather than used.
 */
import { Duration, Effect, Layer, Schema } from "effect"
import { Migrator, SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import { TransactionLimit } from "./TransactionLimit.ts"

/** Migrations by name: four digits, an underscore and what it does, such as `0001_create_links`. */
export type Migrations = Readonly<Record<string, Effect.Effect<void, SqlError, SqlClient.SqlClient>>>

/** The table that remembers which migrations a database has. */
export const table = "holdfast_migrations"

const text = (cause: unknown): string => {
  if (!(cause instanceof Error)) return typeof cause === "string" ? cause : "for an unknown reason"
  // What the server said is innermost; what wraps it only says that a query failed.
  return cause.cause instanceof Error ? text(cause.cause) : cause.message
}

/** A migration did not run; the database is as it was before. */
export class MigrationFailed extends Schema.TaggedError<MigrationFailed>()("MigrationFailed", {
  migration: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return (
      `The database could not be migrated (${this.migration}): ${text(this.cause)}. Nothing was changed. ` +
      `Correct the cause and start again.`
    )
  }
}

/** The database has been migrated by another version of the program. */
export class SchemaUnknown extends Schema.TaggedError<SchemaUnknown>()("SchemaUnknown", {
  found: Schema.String,
  expected: Schema.String
}) {
  override get message(): string {
    return (
      `The database has migration ${this.found} where this version has ${this.expected}. ` +
      `Start the version that last used it, or a newer one, or name another database.`
    )
  }
}

/** The record itself is wrong: a name without four digits, or a number used twice. A bug of whoever wrote it. */
const checkRecord = (migrations: Migrations): void => {
  const names = Object.keys(migrations)
  const numbers = new Set<string>()
  for (const name of names) {
    const number = /^(\d{4})_[a-z0-9_]+$/.exec(name)?.[1]
    if (number === undefined) throw new Error(`"${name}" is not a migration's name: 0001_create_something`)
    if (numbers.has(number)) throw new Error(`two migrations have the number ${number}`)
    numbers.add(number)
  }
}

const nameOf = (id: number, name: string): string => `${String(id).padStart(4, "0")}_${name}`

/** The name in a message of the migrator, which writes numbers without leading zeros. */
const blamed = (message: string): string | undefined => {
  const found = /"(\d+)_(.+?)"/.exec(message)
  return found === null ? undefined : nameOf(Number(found[1]), found[2] ?? "")
}

/** Compares what the database has with what this version knows. */
const checkKnown = Effect.fnUntraced(function* (migrations: Migrations) {
  const sql = yield* SqlClient.SqlClient
  const present = yield* sql`SELECT 1 FROM pg_catalog.pg_class WHERE oid = to_regclass(${table})`
  if (present.length === 0) return
  const applied = yield* sql<{ readonly migration_id: number; readonly name: string }>`
    SELECT migration_id, name FROM ${sql(table)} ORDER BY migration_id`
  const known = new Set(Object.keys(migrations))
  const latest = applied.at(-1)?.migration_id ?? 0
  for (const row of applied) {
    const found = nameOf(row.migration_id, row.name)
    if (known.has(found)) continue
    const sameNumber = Object.keys(migrations).find((name) => Number(name.slice(0, 4)) === row.migration_id)
    return yield* new SchemaUnknown({ found, expected: sameNumber ?? "none" })
  }
  // Numbers below the latest are never run later: one that is missing there came with another history.
  const has = new Set(applied.map((row) => row.migration_id))
  const skipped = Object.keys(migrations).find((name) => {
    const id = Number(name.slice(0, 4))
    return id < latest && !has.has(id)
  })
  if (skipped !== undefined) return yield* new SchemaUnknown({ found: "none", expected: skipped })
})

/**
 * Runs the migrations that the database does not have yet and returns their names.
 *
 * Fails with `SqlError` only if the database itself fails (a lost connection, say).
 */
export const migrate = Effect.fn("Migrations.migrate")(function* (migrations: Migrations) {
  yield* Effect.sync(() => checkRecord(migrations))
  yield* checkKnown(migrations)
  const done = yield* Migrator.make({})({ loader: Migrator.fromRecord(migrations), table }).pipe(
    Effect.catchTag("MigrationError", (error) =>
      Effect.fail(new MigrationFailed({ migration: blamed(error.message) ?? error.kind, cause: error.cause ?? error }))
    ),
    Effect.provideService(TransactionLimit, Duration.infinity)
  )
  // Another version may have been at it while this one waited for its turn.
  yield* checkKnown(migrations)
  const names = done.map(([id, name]) => nameOf(id, name))
  if (names.length > 0) {
    yield* Effect.logInfo("Database migrated").pipe(Effect.annotateLogs({ migrations: names.join(", ") }))
  }
  return names
})

/** Migrates while the layer is built; layers that read the tables are provided with this one. */
export const layer = (
  migrations: Migrations
): Layer.Layer<never, MigrationFailed | SchemaUnknown | SqlError, SqlClient.SqlClient> =>
  Layer.effectDiscard(migrate(migrations))
