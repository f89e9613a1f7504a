import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Exit, Layer, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import {
  layer as migrated,
  migrate,
  MigrationFailed,
  type Migrations,
  SchemaUnknown
} from "../../src/layers/Migrations.ts"
import * as Postgres from "../../src/layers/Postgres.ts"
import * as EmbeddedDatabase from "../support/EmbeddedDatabase.ts"
import * as FreshDatabase from "../support/FreshDatabase.ts"

const run = (statement: string): Migrations[string] =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => Effect.asVoid(sql.unsafe(statement)))

const one = { "0001_create_a": run("CREATE TABLE a (id bigint)") }
const two = { ...one, "0002_create_b": run("CREATE TABLE b (id bigint)") }

/** Drops what the tests make, since they share a database. */
const clean = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.forEach(["a", "b", "c", "holdfast_migrations"], (name) => sql`DROP TABLE IF EXISTS ${sql(name)}`)
)

const contract = (database: string, client: typeof EmbeddedDatabase.layer): void => {
  layer(client)(`migrations on ${database}`, (it) => {
    it.effect("run in the order of their numbers, each once", () =>
      Effect.gen(function* () {
        yield* clean
        const sql = yield* SqlClient.SqlClient
        const later = {
          "0002_rename": run("ALTER TABLE a RENAME TO c"),
          "0010_fill": run("INSERT INTO c VALUES (10)"),
          ...one
        }
        assert.deepStrictEqual(yield* migrate(one), ["0001_create_a"])
        assert.deepStrictEqual(yield* migrate(later), ["0002_rename", "0010_fill"])
        assert.deepStrictEqual(yield* migrate(later), [])
        assert.deepStrictEqual(yield* sql`SELECT id FROM c`, [{ id: 10n }])
      })
    )

    it.effect("name the one that failed and why, and change nothing", () =>
      Effect.gen(function* () {
        yield* clean
        const sql = yield* SqlClient.SqlClient
        const broken = {
          ...one,
          "0002_create_b": run("CREATE TABLE b (id bigint)"),
          "0003_break_it": run("CREATE TABL x")
        }
        const error = yield* Effect.flip(migrate(broken))
        assert.instanceOf(error, MigrationFailed)
        assert.strictEqual(error.migration, "0003_break_it")
        assert.include(error.message, 'syntax error at or near "TABL"')
        const tables = yield* sql`SELECT 1 FROM pg_tables WHERE tablename IN ('a', 'b')`
        assert.deepStrictEqual(tables, [])
        yield* migrate(one)
      })
    )

    it.effect("refuse a database that a newer version has migrated", () =>
      Effect.gen(function* () {
        yield* clean
        yield* migrate({ ...one, "0002_create_c": run("CREATE TABLE c (id bigint)") })
        const error = yield* Effect.flip(migrate(one))
        assert.instanceOf(error, SchemaUnknown)
        assert.include(error.message, "0002_create_c")
        assert.include(error.message, "a newer one")
      })
    )

    it.effect("refuse a database with another history", () =>
      Effect.gen(function* () {
        yield* clean
        yield* migrate({ "0001_create_c": run("CREATE TABLE c (id bigint)") })
        assert.include(yield* Effect.flip(migrate(one)), { found: "0001_create_c", expected: "0001_create_a" })
        yield* clean
        yield* migrate({ "0002_create_c": run("CREATE TABLE c (id bigint)") })
        const error = yield* Effect.flip(migrate({ ...one, "0002_create_c": Effect.void }))
        assert.include(error, { found: "none", expected: "0001_create_a" })
      })
    )

    it.effect("with a name that is none, or a number used twice, are a defect", () =>
      Effect.gen(function* () {
        for (const wrong of [
          { create: Effect.void },
          { ...one, "0001_again": Effect.void },
          { "1_short": Effect.void }
        ]) {
          const exit = yield* Effect.exit(migrate(wrong))
          assert.isTrue(Exit.isFailure(exit) && Exit.hasDies(exit))
        }
      })
    )

    it.effect("are done when the layer is there", () =>
      Effect.gen(function* () {
        yield* clean
        const sql = yield* SqlClient.SqlClient
        const rows = yield* Effect.provide(
          Effect.suspend(() => sql`SELECT id FROM a`),
          migrated(one)
        )
        assert.deepStrictEqual(rows, [])
      })
    )
  })
}

contract("the embedded database", EmbeddedDatabase.layer)
contract("PostgreSQL", FreshDatabase.layer)

describe("migrations of one PostgreSQL database by several processes", () => {
  const runner = (url: string) =>
    Effect.acquireRelease(
      Effect.promise(async () => {
        const program = fileURLToPath(new URL("../support/MigrationRunner.ts", import.meta.url))
        const child = fork(program, [url], { execArgv: [], stdio: ["ignore", "ignore", "inherit", "ipc"] })
        await once(child, "message")
        return child
      }),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )

  it.live("run once when the processes start at once", () =>
    Effect.gen(function* () {
      const url = yield* FreshDatabase.freshDatabase
      const runners = yield* Effect.forEach([1, 2, 3], () => runner(Redacted.value(url)), { concurrency: "unbounded" })
      const answers: ReadonlyArray<ReadonlyArray<string>> = yield* Effect.promise(() =>
        Promise.all(
          runners.map(async (child) => {
            const answered = once(child, "message")
            child.send("go")
            const [names] = await answered
            return names
          })
        )
      )
      assert.deepStrictEqual(answers.flat().sort(), ["0001_create_first", "0002_fill_first"])
      const rows = yield* Effect.provide(
        Effect.flatMap(SqlClient.SqlClient, (sql) => sql`SELECT id FROM first ORDER BY id`),
        Postgres.layer({ url })
      )
      assert.deepStrictEqual(rows, [{ id: 1n }, { id: 2n }])
    }).pipe(Effect.scoped)
  )

  it.live("start from nothing when the process that ran them was killed", () =>
    Effect.gen(function* () {
      const url = yield* FreshDatabase.freshDatabase
      const context = yield* Layer.build(Postgres.layer({ url }))
      const child = yield* runner(Redacted.value(url))
      yield* Effect.promise(async () => {
        const inside = once(child, "message")
        child.send("and stop inside")
        assert.deepStrictEqual(await inside, ["inside", undefined])
        child.kill("SIGKILL")
      })
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        assert.deepStrictEqual(yield* migrate(two), ["0001_create_a", "0002_create_b"])
        assert.deepStrictEqual(yield* sql`SELECT 1 FROM pg_tables WHERE tablename = 'first'`, [])
      }).pipe(Effect.provide(context))
    }).pipe(Effect.scoped)
  )
})
