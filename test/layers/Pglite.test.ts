import { assert, describe, it, layer } from "@effect/vitest"
import { PgClient } from "@effect/sql-pg"
import { Deferred, Effect, Exit, Fiber, Layer, Queue, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { SqlClient } from "effect/sql"
import { spawn } from "node:child_process"
import { once } from "node:events"
import fs from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import * as os from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { DatabaseNotDurable, EmbeddedDatabaseUnusable } from "../../src/layers/DatabaseErrors.ts"
import * as Pglite from "../../src/layers/Pglite.ts"
import * as Postgres from "../../src/layers/Postgres.ts"
import * as EmbeddedDatabase from "../support/EmbeddedDatabase.ts"

const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-pglite-"))),
  (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true }))
)

/** Replaces a function of `node:fs` until the scope closes. */
const replaceFs = <K extends "writeSync" | "fsyncSync">(name: K, replacement: (typeof fs)[K]) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const original = fs[name]
      fs[name] = replacement
      syncBuiltinESMExports()
      return original
    }),
    (original) =>
      Effect.sync(() => {
        fs[name] = original
        syncBuiltinESMExports()
      })
  )

/** A folder with an empty database, gone with the scope. */
const database = Effect.gen(function* () {
  const folder = path.join(yield* temporaryFolder, "database")
  yield* EmbeddedDatabase.copyTo(folder)
  return folder
})

layer(EmbeddedDatabase.layer)("the embedded database", (it) => {
  it.effect("answers with the types that the tables use", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const body = new Uint8Array([0, 1, 255])
      const rows = yield* sql`SELECT ${body}::bytea AS body, ${9007199254740993n}::bigint AS id, true AS yes`
      assert.deepStrictEqual(rows, [{ body, id: 9007199254740993n, yes: true }])
    })
  )

  it.effect("carries statements and answers of many megabytes, and streams them", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE large (id bigint, body bytea)`
      const body = new Uint8Array(4 * 1024 * 1024).fill(7)
      yield* Effect.forEach([1, 2, 3], (id) => sql`INSERT INTO large VALUES (${id}, ${body})`)
      const rows = yield* sql<{ body: Uint8Array }>`SELECT body FROM large`
      assert.deepStrictEqual(
        rows.map((row) => row.body.length),
        [body.length, body.length, body.length]
      )
      assert.deepStrictEqual(rows[2]?.body, body)
      const streamed = yield* Stream.runCollect(sql`SELECT n FROM generate_series(1, 5000) AS n`.stream)
      assert.strictEqual(streamed.length, 5000)
      const first = yield* Stream.runCollect(Stream.take(sql`SELECT n FROM generate_series(1, 5000) AS n`.stream, 1))
      assert.deepStrictEqual(first, [{ n: 1 }])
      assert.deepStrictEqual(yield* sql`SELECT 1 AS one`, [{ one: 1 }])
    })
  )

  it.effect("goes on after a statement that it refuses, also inside a transaction with savepoints", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE kept (id bigint PRIMARY KEY)`
      yield* sql.withTransaction(
        Effect.gen(function* () {
          yield* sql`INSERT INTO kept VALUES (1)`
          const twice = yield* Effect.flip(sql.withTransaction(sql`INSERT INTO kept VALUES (1)`))
          assert.strictEqual(twice.reason._tag, "UniqueViolation")
          yield* sql`INSERT INTO kept VALUES (2)`
        })
      )
      assert.strictEqual((yield* Effect.flip(sql`SELEC 1`)).reason._tag, "SqlSyntaxError")
      assert.deepStrictEqual(yield* sql`SELECT id FROM kept ORDER BY id`, [{ id: 1n }, { id: 2n }])
    })
  )

  it.effect("trap 12: rolls back when a fiber is interrupted inside its transaction, and stays usable", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE interrupted (id bigint)`
      const written = yield* Deferred.make<void>()
      const fiber = yield* sql`INSERT INTO interrupted VALUES (1)`.pipe(
        Effect.andThen(Deferred.succeed(written, undefined)),
        Effect.andThen(Effect.never),
        sql.withTransaction,
        Effect.forkChild
      )
      yield* Deferred.await(written)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* sql`SELECT * FROM interrupted`, [])
    })
  )

  it.effect("survives fibers that are interrupted at any point of their statements", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE anywhere (fiber bigint, part bigint)`
      const work = (fiber: number) =>
        sql.withTransaction(
          Effect.forEach([1, 2, 3], (part) =>
            Effect.andThen(sql`INSERT INTO anywhere VALUES (${fiber}, ${part})`, Effect.yieldNow)
          )
        )
      for (let turns = 0; turns < 60; turns++) {
        const fibers = yield* Effect.forEach([1, 2, 3], (n) => Effect.forkChild(work(turns * 10 + n)))
        for (let turn = 0; turn < turns; turn++) yield* Effect.yieldNow
        yield* Effect.forEach(fibers, Fiber.interrupt)
      }
      const parts = yield* sql<{ n: bigint }>`SELECT count(*) AS n FROM anywhere GROUP BY fiber`
      assert.isAbove(parts.length, 0, "some came through")
      assert.isBelow(parts.length, 180, "some did not")
      assert.isTrue(
        parts.every((row) => row.n === 3n),
        "all or nothing"
      )
    })
  )

  it.effect("opens another session after one has broken, without what that one left behind", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE left_behind (id bigint)`
      yield* sql`SET statement_timeout = '1234s'`
      yield* sql`CREATE TEMPORARY TABLE scratch (id bigint)`
      // The driver does not speak COPY: it gives the session up in the middle of the transaction.
      const error = yield* sql`INSERT INTO left_behind VALUES (1)`.pipe(
        Effect.andThen(sql`COPY left_behind TO STDOUT`),
        sql.withTransaction,
        Effect.flip
      )
      assert.isTrue(error.isRetryable)
      assert.deepStrictEqual(yield* sql`SELECT * FROM left_behind`, [])
      assert.deepStrictEqual(yield* sql`SHOW statement_timeout`, [{ statement_timeout: "0" }])
      assert.strictEqual((yield* Effect.flip(sql`SELECT * FROM scratch`)).reason._tag, "SqlSyntaxError")
    })
  )

  it.effect("hears notifications with the commit, without keeping its only connection", () =>
    Effect.gen(function* () {
      const pg = yield* PgClient.PgClient
      const heard = yield* pg.listen("Wake up")
      const other = yield* pg.listen("Wake up")
      yield* Effect.ignore(pg.withTransaction(Effect.andThen(pg.notify("Wake up", "undone"), Effect.fail("no"))))
      yield* pg.withTransaction(pg.notify("Wake up", "first"))
      yield* Effect.ignore(pg`COPY (SELECT 1) TO STDOUT`)
      yield* pg.notify("Wake up", "after another session")
      assert.strictEqual((yield* Queue.take(heard)).payload, "first")
      assert.strictEqual((yield* Queue.take(heard)).payload, "after another session")
      assert.strictEqual((yield* Queue.takeAll(other)).length, 2)
    }).pipe(Effect.scoped)
  )

  it.effect("stops listening with the scope", () =>
    Effect.gen(function* () {
      const pg = yield* PgClient.PgClient
      yield* Effect.scoped(pg.listen("short"))
      assert.deepStrictEqual(yield* pg`SELECT pg_listening_channels()`, [])
    })
  )

  it.effect(
    "trap 16: says so when a second connection is asked for inside a transaction, instead of waiting for ever",
    () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const exit = yield* Effect.exit(sql.withTransaction(Effect.scoped(sql.reserve)))
        assert.isTrue(Exit.isFailure(exit) && Exit.hasDies(exit))
        assert.deepStrictEqual(yield* sql`SELECT 1 AS one`, [{ one: 1 }])
      })
  )

  it.effect("trap 16: ends a transaction that waits for a query outside of it, as retryable, with a rollback", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE stuck (id bigint)`
      const outside = yield* Deferred.make<void>()
      const helper = yield* Effect.forkChild(
        Effect.andThen(Deferred.await(outside), Effect.asVoid(sql`INSERT INTO stuck VALUES (2)`))
      )
      const stuck = yield* sql`INSERT INTO stuck VALUES (1)`.pipe(
        Effect.andThen(Deferred.succeed(outside, undefined)),
        Effect.andThen(Fiber.join(helper)),
        sql.withTransaction,
        Effect.flip,
        Effect.forkChild
      )
      yield* Deferred.await(outside)
      yield* TestClock.adjust("1 minute")
      const error = yield* Fiber.join(stuck)
      assert.isTrue(error.isRetryable)
      assert.include(error.message, "outside of it")
      yield* Fiber.join(helper)
      assert.deepStrictEqual(yield* sql`SELECT id FROM stuck`, [{ id: 2n }])
    })
  )

  it.effect("counts as not durable in memory", () =>
    Effect.map(Effect.flip(Postgres.checkDurable), (error) => {
      assert.instanceOf(error, DatabaseNotDurable)
    })
  )
})

describe("a busy embedded database", () => {
  it.live("lets timers and sockets run between the statements of many fibers", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      let done = 0
      let seen = 0
      let longest = 0
      let watching = true
      const watch = (): void => {
        longest = Math.max(longest, done - seen)
        seen = done
        if (watching) setImmediate(watch)
      }
      const statement = Effect.tap(sql`SELECT 1`, () => Effect.sync(() => done++))
      setImmediate(watch)
      // The second time the statement is prepared, and each answer comes within the call that asks.
      for (let time = 0; time < 2; time++) {
        yield* Effect.forEach(Array.from({ length: 1000 }), () => statement, { concurrency: 100, discard: true })
      }
      watching = false
      longest = Math.max(longest, done - seen)
      assert.strictEqual(done, 2000)
      assert.isAtMost(longest, 64, "statements in one turn of the event loop")
    }).pipe(Effect.provide(EmbeddedDatabase.layer))
  )
})

describe("an embedded database in a folder", () => {
  it.live("has what was committed after it was closed and opened again", () =>
    Effect.gen(function* () {
      const folder = yield* database
      for (const n of [1, 2]) {
        yield* Effect.gen(function* () {
          const sql = yield* SqlClient.SqlClient
          yield* sql`CREATE TABLE IF NOT EXISTS kept (id bigint)`
          yield* sql`INSERT INTO kept VALUES (${n})`
          assert.strictEqual((yield* sql`SELECT id FROM kept`).length, n)
        }).pipe(Effect.provide(Pglite.layer({ dataDir: folder })))
        assert.isFalse(fs.existsSync(path.join(folder, "postmaster.pid")), "closed properly")
      }
    }).pipe(Effect.scoped)
  )

  it.live("is made in an empty folder without a dump", () =>
    Effect.gen(function* () {
      const folder = path.join(yield* temporaryFolder, "database")
      const rows = yield* Effect.provide(
        Effect.flatMap(SqlClient.SqlClient, (sql) => sql`SHOW fsync`),
        Pglite.layer({ dataDir: folder })
      )
      assert.deepStrictEqual(rows, [{ fsync: "on" }])
      assert.strictEqual(fs.statSync(folder).mode & 0o777, 0o700)
    }).pipe(Effect.scoped)
  )

  it.live("forces each commit to the disk before it answers, unless the loss is accepted", () =>
    Effect.gen(function* () {
      const folder = yield* database
      const original = fs.fsyncSync
      let forced = 0
      yield* replaceFs("fsyncSync", (file) => {
        forced++
        original(file)
      })
      const commits = Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql`CREATE TABLE IF NOT EXISTS counted (id bigint)`
        forced = 0
        for (let n = 0; n < 10; n++) yield* sql`INSERT INTO counted VALUES (${n})`
        return forced
      })
      assert.isAtLeast(yield* Effect.provide(commits, Pglite.layer({ dataDir: folder })), 10)
      const loose = Pglite.layer({ dataDir: folder, allowDataLoss: true })
      assert.strictEqual(yield* Effect.provide(commits, loose), 0)
    }).pipe(Effect.scoped)
  )

  it.live("counts as durable, and not when the loss is accepted", () =>
    Effect.gen(function* () {
      const folder = yield* database
      yield* Effect.provide(Postgres.checkDurable, Pglite.layer({ dataDir: folder }))
      const error = yield* Effect.flip(
        Effect.provide(Postgres.checkDurable, Pglite.layer({ dataDir: folder, allowDataLoss: true }))
      )
      assert.include(error, { _tag: "DatabaseNotDurable", setting: "fsync" })
    }).pipe(Effect.scoped)
  )

  it.live("has every commit that was answered before its process was killed, and no half one", () =>
    Effect.gen(function* () {
      const folder = yield* database
      const program = fileURLToPath(new URL("../support/PgliteWriter.ts", import.meta.url))
      for (let round = 1; round <= 3; round++) {
        const last = yield* Effect.promise(async () => {
          const child = spawn(process.execPath, [program, folder], { stdio: ["ignore", "pipe", "inherit"] })
          let output = ""
          child.stdout.on("data", (chunk: Buffer) => {
            output += chunk.toString()
            if (output.split("\n").length > 100 * round) child.kill("SIGKILL")
          })
          await once(child, "close")
          return Number(output.split("\n").at(-2))
        })
        const rows = yield* Effect.provide(
          Effect.flatMap(SqlClient.SqlClient, (sql) => sql<{ n: bigint }>`SELECT n FROM written ORDER BY n`),
          Pglite.layer({ dataDir: folder })
        )
        const expected = Array.from({ length: rows.length }, (_, index) => BigInt(index + 1))
        assert.deepStrictEqual(
          rows.map((row) => row.n),
          expected
        )
        assert.include([last, last + 1], rows.length, "what was answered, and at most the one under way")
      }
    }).pipe(Effect.scoped)
  )

  it.live("fails as retryable while the disk is full, and opens its folder again when there is space", () =>
    Effect.gen(function* () {
      const folder = yield* database
      const context = yield* Layer.build(Pglite.layer({ dataDir: folder }))
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql`CREATE TABLE kept (id bigint)`
        yield* sql`INSERT INTO kept VALUES (1)`
        const full = yield* Scope.make()
        yield* Scope.provide(
          replaceFs("writeSync", () => {
            throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" })
          }),
          full
        )
        const error = yield* Effect.flip(sql`INSERT INTO kept VALUES (2)`)
        assert.isTrue(error.isRetryable)
        yield* Scope.close(full, Exit.void)
        assert.deepStrictEqual(yield* sql`SELECT id FROM kept`, [{ id: 1n }])
        yield* sql`INSERT INTO kept VALUES (3)`
      }).pipe(Effect.provide(context))
    }).pipe(Effect.scoped)
  )

  it.live("comes back when the engine inside has ended", () =>
    Effect.gen(function* () {
      const context = yield* Layer.build(Pglite.layer({ dataDir: yield* database }))
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql`CREATE TABLE kept (id bigint)`
        yield* sql`INSERT INTO kept VALUES (1)`
        // Without a client that sends the rows, the engine takes this for a broken connection and exits.
        assert.isTrue((yield* Effect.flip(sql`COPY kept FROM STDIN`)).isRetryable)
        assert.deepStrictEqual(yield* sql`SELECT id FROM kept`, [{ id: 1n }])
      }).pipe(Effect.provide(context))
    }).pipe(Effect.scoped)
  )

  it.live("is made anew when its making was cut short", () =>
    Effect.gen(function* () {
      const folder = path.join(yield* temporaryFolder, "database")
      fs.mkdirSync(folder)
      fs.writeFileSync(path.join(folder, "PG_VERSION"), "18\n")
      fs.writeFileSync(`${folder}.unfinished`, "")
      const rows = yield* Effect.provide(
        Effect.flatMap(SqlClient.SqlClient, (sql) => sql`SELECT 1 AS one`),
        EmbeddedDatabase.layerFolder(folder)
      )
      assert.deepStrictEqual(rows, [{ one: 1 }])
      assert.isFalse(fs.existsSync(`${folder}.unfinished`))
    }).pipe(Effect.scoped)
  )

  it.live("leaves a folder with other files alone and says what to do", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      fs.writeFileSync(path.join(folder, "letters.txt"), "dear")
      const error = yield* Effect.flip(Layer.build(Pglite.layer({ dataDir: folder })))
      assert.instanceOf(error, EmbeddedDatabaseUnusable)
      assert.include(error.message, folder)
      assert.include(error.message, "empty folder")
      assert.deepStrictEqual(fs.readdirSync(folder), ["letters.txt"])
    }).pipe(Effect.scoped)
  )
})
