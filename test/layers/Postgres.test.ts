import { assert, describe, it, layer } from "@effect/vitest"
import { PgClient } from "@effect/sql-pg"
import { Cause, ConfigProvider, Deferred, Effect, Exit, Fiber, Layer, Queue, Redacted, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { ConnectionError, SqlError, UnknownError } from "effect/sql/SqlError"
import { TestClock } from "effect/testing"
import * as net from "node:net"
import { DatabaseNotDurable, DatabaseUnreachable, DatabaseUrlInvalid } from "../../src/layers/DatabaseErrors.ts"
import * as Postgres from "../../src/layers/Postgres.ts"
import * as SqlFailure from "../../src/layers/SqlFailure.ts"
import * as FreshDatabase from "../support/FreshDatabase.ts"
import { PostgresServer } from "../support/PostgresServer.ts"

const withUrl = (url: Redacted.Redacted, change: (url: URL) => void): Redacted.Redacted => {
  const copy = new URL(Redacted.value(url))
  change(copy)
  return Redacted.make(copy.toString())
}

/** Why the layer cannot be built. */
const refusal = (options: Postgres.Options) => Effect.flip(Layer.build(Postgres.layer(options))).pipe(Effect.scoped)

const unreachable = (options: Postgres.Options) =>
  Effect.map(refusal(options), (error) => {
    assert.instanceOf(error, DatabaseUnreachable)
    return error
  })

/** A port that nobody listens at, and that nobody gets before the scope closes: a connection of ours goes out from it. */
const closedPort = Effect.acquireRelease(
  Effect.callback<net.Socket>((resume) => {
    const listener = net.createServer((socket) => socket.on("error", () => undefined).resume())
    listener.listen(0, "127.0.0.1", () => {
      const address = listener.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      const socket = net.connect({ host: "127.0.0.1", port }, () => resume(Effect.succeed(socket)))
      socket.once("close", () => listener.close())
    })
  }),
  (socket) => Effect.sync(() => socket.destroy())
).pipe(Effect.map(({ localPort = 0 }) => localPort))

layer(FreshDatabase.layer)("PostgreSQL", (it) => {
  it.effect("answers with the types that the tables use", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const body = new Uint8Array([0, 1, 255])
      const rows = yield* sql`SELECT ${body}::bytea AS body, ${9007199254740993n}::bigint AS id, true AS yes`
      assert.deepStrictEqual(rows, [{ body, id: 9007199254740993n, yes: true }])
    })
  )

  it.effect(
    "trap 12: rolls back when a fiber is interrupted inside its transaction, and gives the connection back",
    () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql`CREATE TABLE interrupted (id bigint)`
        const written = yield* Deferred.make<void>()
        const fiber = yield* sql`INSERT INTO interrupted VALUES (1)`.pipe(
          Effect.andThen(Deferred.succeed(written, undefined)),
          Effect.andThen(sql`SELECT pg_sleep(60)`),
          sql.withTransaction,
          Effect.forkChild
        )
        yield* Deferred.await(written)
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(yield* sql`SELECT * FROM interrupted`, [])
        const open = yield* sql`SELECT 1 FROM pg_stat_activity
        WHERE datname = current_database() AND state LIKE 'idle in transaction%'`
        assert.deepStrictEqual(open, [])
      })
  )

  it.effect("notifies with the commit of the transaction that asked for it, and not without it", () =>
    Effect.gen(function* () {
      const pg = yield* PgClient.PgClient
      const heard = yield* pg.listen("commits")
      yield* Effect.ignore(pg.withTransaction(Effect.andThen(pg.notify("commits", "undone"), Effect.fail("no"))))
      yield* pg.withTransaction(pg.notify("commits", "done"))
      assert.strictEqual((yield* Queue.take(heard)).payload, "done")
    }).pipe(Effect.scoped)
  )

  it.effect("reports a COMMIT of a failed transaction as a failure", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const error = yield* Effect.flip(sql.withTransaction(Effect.ignore(sql`SELECT 1/0`)))
      assert.strictEqual(error.reason._tag, "UnknownError")
      assert.include(error.message, "rolled back at its COMMIT")
    })
  )

  it.effect("shows its name to the server and bounds how long it may sit idle inside a transaction", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const rows = yield* sql`SELECT current_setting('application_name') AS name,
        current_setting('idle_in_transaction_session_timeout') AS limit`
      assert.deepStrictEqual(rows, [{ name: "holdfast", limit: "1min" }])
    })
  )

  it.effect("streams rows", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const rows = yield* Stream.runCollect(sql<{ n: number }>`SELECT n FROM generate_series(1, 3000) AS n`.stream)
      assert.strictEqual(rows.length, 3000)
      assert.deepStrictEqual(rows[2999], { n: 3000 })
    })
  )
})

/** Connections of this name to the database that it asks, once they are so many; fails after a minute of them. */
const connections = (name: string, count: number) =>
  SqlClient.SqlClient.use(
    (sql) => sql<{ readonly count: bigint }>`
      SELECT count(*) AS count FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = ${name} AND state = 'idle'`
  ).pipe(
    Effect.map(([row]) => Number(row?.count)),
    Effect.repeat({ until: (idle) => idle === count }),
    Effect.timeout("1 minute"),
    // Real time: the server is a process of its own.
    TestClock.withLive
  )

describe("PostgreSQL that many may ask at once", () => {
  it.effect("has connections ready before anybody asks, and keeps them while they idle", () =>
    Effect.gen(function* () {
      const url = yield* FreshDatabase.freshDatabase
      const options = { url, maxConnections: 4, minConnections: 3, applicationName: "ready" }
      yield* Layer.build(Postgres.layer(options))
      const watcher = yield* Layer.build(Postgres.layer({ url, maxConnections: 1, applicationName: "watcher" }))
      yield* Effect.gen(function* () {
        yield* connections("ready", 3)
        yield* TestClock.adjust("10 minutes")
        yield* connections("ready", 3)
      }).pipe(Effect.provide(watcher))
    }).pipe(Effect.scoped)
  )

  it.effect("opens no more than it may have", () =>
    Effect.gen(function* () {
      const url = yield* FreshDatabase.freshDatabase
      yield* Layer.build(Postgres.layer({ url, maxConnections: 2, minConnections: 5, applicationName: "few" }))
      const watcher = yield* Layer.build(Postgres.layer({ url, maxConnections: 1, applicationName: "watcher" }))
      yield* Effect.provide(connections("few", 2), watcher)
    }).pipe(Effect.scoped)
  )
})

const single = Layer.unwrap(
  Effect.map(FreshDatabase.freshDatabase, (url) => Postgres.layer({ url, maxConnections: 1 }))
).pipe(Layer.orDie)

layer(single)("PostgreSQL with a single connection", (it) => {
  it.effect("trap 12: goes on when fibers are interrupted inside their transactions and waiting for theirs", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE single (id bigint)`
      for (let round = 0; round < 5; round++) {
        const written = yield* Deferred.make<void>()
        const inside = yield* sql`INSERT INTO single VALUES (1)`.pipe(
          Effect.andThen(Deferred.succeed(written, undefined)),
          Effect.andThen(sql`SELECT pg_sleep(60)`),
          sql.withTransaction,
          Effect.forkChild
        )
        yield* Deferred.await(written)
        const waiting = yield* Effect.forkChild(sql.withTransaction(sql`INSERT INTO single VALUES (2)`))
        yield* Effect.yieldNow
        yield* Fiber.interruptAll([waiting, inside])
        assert.deepStrictEqual(yield* sql.withTransaction(sql`SELECT id FROM single`), [])
      }
    })
  )

  it.effect("trap 16: says so when a second connection is asked for inside a transaction", () =>
    Effect.gen(function* () {
      const pg = yield* PgClient.PgClient
      for (const asking of [Effect.asVoid(pg.reserve), Effect.asVoid(pg.listen("news"))]) {
        const exit = yield* Effect.exit(pg.withTransaction(Effect.scoped(asking)))
        assert.isTrue(Exit.isFailure(exit) && Exit.hasDies(exit))
        if (Exit.isFailure(exit)) assert.include(Cause.pretty(exit.cause), "needs a second connection")
      }
      assert.deepStrictEqual(yield* pg`SELECT 1 AS one`, [{ one: 1 }])
    })
  )

  it.effect("trap 16: ends a transaction that waits for a query outside of it, and says why", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const inside = yield* Deferred.make<void>()
      const helper = yield* Effect.forkChild(Effect.andThen(Deferred.await(inside), sql`SELECT 1 AS one`))
      const stuck = yield* Deferred.succeed(inside, undefined).pipe(
        Effect.andThen(Fiber.join(helper)),
        sql.withTransaction,
        Effect.flip,
        Effect.forkChild
      )
      yield* Deferred.await(inside)
      yield* TestClock.adjust("1 minute")
      const error = yield* Fiber.join(stuck)
      assert.isTrue(error.isRetryable)
      assert.include(error.message, "outside of it")
      assert.deepStrictEqual(yield* Fiber.join(helper), [{ one: 1 }])
    })
  )
})

describe("a PostgreSQL server that cannot be used at start", () => {
  it.effect("names host, port, database and the way out when nobody listens, and never the password", () =>
    Effect.gen(function* () {
      const port = yield* closedPort
      const url = Redacted.make(`postgres://me:s3cret@127.0.0.1:${port}/shop`)
      const error = yield* unreachable({ url })
      assert.include(error, { host: "127.0.0.1", port, database: "shop", user: "me" })
      assert.include(error.message, `"shop" on 127.0.0.1, port ${port}`)
      assert.include(error.message, "Start PostgreSQL there")
      assert.notInclude(JSON.stringify(error) + error.message + String(error.cause), "s3cret")
    }).pipe(Effect.scoped)
  )

  it.effect("names the reason for a host with several addresses, none of which answers", () =>
    Effect.gen(function* () {
      const port = yield* closedPort
      const error = yield* unreachable({ url: Redacted.make(`postgres://me:s3cret@localhost:${port}/shop`) })
      assert.include(error.message, "ECONNREFUSED")
    }).pipe(Effect.scoped)
  )

  it.effect("says how to create a database that is missing", () =>
    Effect.gen(function* () {
      const url = withUrl(yield* FreshDatabase.freshDatabase, (it) => {
        it.pathname = "/nowhere"
      })
      assert.include((yield* unreachable({ url })).message, "createdb")
    }).pipe(Effect.scoped)
  )

  it.effect("says that user or password are wrong", () =>
    Effect.gen(function* () {
      const url = withUrl(yield* FreshDatabase.freshDatabase, (it) => {
        it.username = "stranger"
        it.password = "s3cret"
      })
      const error = yield* unreachable({ url })
      assert.include(error.message, "Correct user and password")
      assert.notInclude(error.message, "s3cret")
    }).pipe(Effect.scoped)
  )

  it.effect("refuses text that is no URL without repeating it", () =>
    Effect.gen(function* () {
      const texts = [
        "s3cret",
        "mysql://a:s3cret@h/d",
        "postgres://a:s3cret@h:99999/d",
        "postgres://a:s3cret%@h/d",
        "postgres://h/d"
      ]
      for (const text of texts) {
        const error = yield* refusal({ url: Redacted.make(text) })
        assert.instanceOf(error, DatabaseUrlInvalid, text)
        assert.notInclude(error.message, "s3cret")
        assert.include(error.message, "DATABASE_URL")
      }
    })
  )

  it.effect("reads its URL from DATABASE_URL and names the key when it is missing", () =>
    Effect.gen(function* () {
      const url = yield* FreshDatabase.freshDatabase
      const build = (environment: Record<string, string>) =>
        Layer.build(Postgres.layerConfig()).pipe(
          Effect.scoped,
          Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(environment)))
        )
      yield* build({ DATABASE_URL: Redacted.value(url) })
      assert.include((yield* Effect.flip(build({}))).message, "DATABASE_URL")
    }).pipe(Effect.scoped)
  )
})

describe("durability", () => {
  const off = (name: string) => (url: URL) => url.searchParams.set("options", `-c ${name}=off`)

  it.effect("is refused by name when the session has synchronous_commit off, unless the loss is accepted", () =>
    Effect.gen(function* () {
      const url = withUrl(yield* FreshDatabase.freshDatabase, off("synchronous_commit"))
      const error = yield* refusal({ url })
      assert.instanceOf(error, DatabaseNotDurable)
      assert.include(error.message, "synchronous_commit=off")
      assert.include(error.message, "--allow-data-loss")
      yield* Layer.build(Postgres.layer({ url, allowDataLoss: true }))
    }).pipe(Effect.scoped)
  )

  it.effect("counts a setting of the role as well", () =>
    Effect.gen(function* () {
      const url = yield* FreshDatabase.freshDatabase
      const name = new URL(Redacted.value(url)).pathname.slice(1)
      yield* Effect.provide(
        Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe(`ALTER DATABASE ${name} SET synchronous_commit = off`)),
        Postgres.layer({ url })
      )
      assert.instanceOf(yield* refusal({ url }), DatabaseNotDurable)
    }).pipe(Effect.scoped)
  )

  for (const setting of ["fsync", "full_page_writes"]) {
    it.effect(`is refused when the server runs with ${setting} off, unless the loss is accepted`, () =>
      Effect.gen(function* () {
        const server = yield* PostgresServer
        const error = yield* refusal({ url: server.url })
        assert.instanceOf(error, DatabaseNotDurable)
        assert.include(error, { setting, value: "off" })
        assert.include(error.message, "--allow-data-loss")
        yield* Effect.scoped(Layer.build(Postgres.layer({ url: server.url, allowDataLoss: true })))
      }).pipe(Effect.provide(PostgresServer.layer({ settings: { [setting]: "off" } })))
    )
  }
})

describe("failures that pass", () => {
  const failure = (code: string) =>
    new SqlError({ reason: new UnknownError({ cause: Object.assign(new Error(code), { code }), message: "m" }) })

  it("are retryable: shutdown, start-up, no disk, memory or connections, read-only after a failover", () => {
    for (const code of ["57P01", "57P02", "57P03", "57P05", "53100", "53200", "53300", "58030", "25P03", "25006"]) {
      const classified = SqlFailure.classify(failure(code))
      assert.instanceOf(classified.reason, ConnectionError, code)
      assert.isTrue(classified.isRetryable, code)
      assert.strictEqual(SqlFailure.code(classified), code)
    }
  })

  it("are told from those that stay: bad values, missing features, aborted transactions", () => {
    for (const code of ["22012", "0A000", "25P02", "XX000", "57014"]) {
      const error = failure(code)
      assert.strictEqual(SqlFailure.classify(error), error)
    }
  })
})

/** Its own server, because it is taken away. Real time: the server is a process of its own. */
describe("a PostgreSQL server that goes away while the node runs", () => {
  for (const [how, minConnections] of [
    ["fast", 0],
    ["immediate", 2],
    ["kill", 3]
  ] as const) {
    it.live(`is used again as soon as it is back (${how}); in between statements fail as retryable`, () =>
      Effect.gen(function* () {
        const server = yield* PostgresServer
        const context = yield* Layer.build(Postgres.layer({ url: server.url, maxConnections: 3, minConnections }))
        yield* Effect.gen(function* () {
          const sql = yield* SqlClient.SqlClient
          yield* sql`CREATE TABLE kept (id bigint PRIMARY KEY)`
          yield* sql`INSERT INTO kept VALUES (1)`
          const begun = yield* Deferred.make<void>()
          const goOn = yield* Deferred.make<void>()
          const holder = yield* sql`INSERT INTO kept VALUES (2)`.pipe(
            Effect.andThen(Deferred.succeed(begun, undefined)),
            Effect.andThen(Deferred.await(goOn)),
            Effect.andThen(sql`INSERT INTO kept VALUES (3)`),
            sql.withTransaction,
            Effect.flip,
            Effect.forkChild
          )
          const asking = yield* Effect.forkChild(Effect.flip(sql`SELECT pg_sleep(60)`))
          yield* Deferred.await(begun)
          yield* how === "kill" ? server.kill : server.halt(how)
          assert.isTrue((yield* Fiber.join(asking)).isRetryable, "a statement that was running")
          yield* Deferred.succeed(goOn, undefined)
          assert.isTrue((yield* Fiber.join(holder)).isRetryable, "a transaction that was open")
          assert.isTrue((yield* Effect.flip(sql`SELECT 1`)).isRetryable, "a statement while it is away")
          assert.isTrue((yield* Effect.flip(sql.withTransaction(sql`SELECT 1`))).isRetryable, "a new transaction")
          yield* server.resume
          assert.deepStrictEqual(yield* sql`SELECT id FROM kept`, [{ id: 1n }])
          yield* Effect.forEach([4, 5, 6, 7], (id) => sql.withTransaction(sql`INSERT INTO kept VALUES (${id})`), {
            concurrency: 4
          })
          assert.strictEqual((yield* sql`SELECT id FROM kept`).length, 5)
        }).pipe(Effect.provide(context))
      }).pipe(Effect.provide(PostgresServer.layer()), Effect.scoped)
    )
  }

  it.live("fails its listeners, who can listen again when it is back", () =>
    Effect.gen(function* () {
      const server = yield* PostgresServer
      const context = yield* Layer.build(Postgres.layer({ url: server.url }))
      yield* Effect.gen(function* () {
        const pg = yield* PgClient.PgClient
        const heard = yield* pg.listen("news")
        yield* server.restart("fast")
        assert.instanceOf(yield* Effect.flip(Queue.take(heard)), SqlError)
        const again = yield* pg.listen("news")
        yield* pg.notify("news", "back")
        assert.strictEqual((yield* Queue.take(again)).payload, "back")
      }).pipe(Effect.provide(context))
    }).pipe(Effect.provide(PostgresServer.layer()), Effect.scoped)
  )
})
