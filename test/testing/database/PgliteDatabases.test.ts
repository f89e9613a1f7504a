import { assert, beforeAll, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { Transactions } from "../../../src/services/Transactions.ts"
import * as PgliteDatabases from "../../../src/testing/database/PgliteDatabases.ts"
import type { SimulatedDatabase, Stored } from "../../../src/testing/database/SimulatedDatabase.ts"
import type { World } from "../../../src/testing/world/World.ts"
import * as EmbeddedDatabase from "../../support/EmbeddedDatabase.ts"
import { failedPassing, get, Life, newWorld, put, shuffled, until } from "./Program.ts"
import { simulates } from "./SimulatedDatabaseContract.ts"

const use = async (world: World, test: (database: SimulatedDatabase) => Promise<void>): Promise<void> => {
  const { of, release } = await PgliteDatabases.acquire(["a"])
  try {
    await test(of(world, "a"))
  } finally {
    await release()
  }
}

const on = (test: (life: Life, database: SimulatedDatabase, world: World) => Promise<void>): Promise<void> => {
  const world = newWorld(1, shuffled)
  return use(world, async (database) => test(await Life.begin(world, database), database, world))
}

// Starting one takes seconds, which no single test has to bear.
beforeAll(async () => (await PgliteDatabases.acquire(["a"])).release())

simulates("PGlite", use, { late: true })

const within = <A, E>(effect: Effect.Effect<A, E, Stored>) => Transactions.use((it) => it.within(effect))

const sql = <A, E>(f: (sql: SqlClient.SqlClient) => Effect.Effect<A, E, Stored>) => SqlClient.SqlClient.use(f)

/** Tables as a scenario would make them: with sequences, an index, and one that refers to a later one. */
const createTables = sql((sql) =>
  Effect.all([
    sql`CREATE TABLE people (id serial PRIMARY KEY, name text UNIQUE NOT NULL, upper text GENERATED ALWAYS AS (upper(name)) STORED)`,
    sql`CREATE TABLE entries (place bigint GENERATED ALWAYS AS IDENTITY, person integer REFERENCES people (id), n bigint)`
  ])
)

const open = (name: string) =>
  sql(
    (sql) => sql`
      WITH opened AS (INSERT INTO people (name) VALUES (${name}) RETURNING id)
      INSERT INTO entries (person, n) SELECT id, ${5n}::bigint FROM opened`
  )

const people = sql(
  (sql) => sql`SELECT p.id, p.name, p.upper, e.place, e.n FROM people p JOIN entries e ON e.person = p.id ORDER BY p.id`
)

const person = (id: number, name: string) => ({ id, name, upper: name.toUpperCase(), place: BigInt(id), n: 5n })

describe("a simulated database of PGlite", () => {
  it("gives what production gives for every kind of value, and the same errors", async () => {
    const ask = SqlClient.SqlClient.use((sql) => {
      const statement = sql`
        SELECT ${9_007_199_254_740_993n}::bigint AS big, 7 AS small, 1.5::float8 AS float, 12.34::numeric AS exact,
          ${new Uint8Array([0, 255, 7])}::bytea AS bytes, ${'{"a":[1,null]}'}::json AS json, '{"b":true}'::jsonb AS jsonb,
          '2030-01-02T03:04:05.678Z'::timestamptz AS at, '2030-01-02'::date AS day, ${["x", "y"]}::text[] AS texts,
          ARRAY[1::bigint, 2] AS bigs, NULL AS nothing, true AS yes, 'cafe0000-0000-4000-8000-000000000000'::uuid AS id`
      return Effect.all([statement, statement.values, statement.raw, Stream.runCollect(statement.stream)])
    })
    const fail = SqlClient.SqlClient.use((sql) =>
      Effect.forEach([sql`SELECT 1/0`, sql`SELEC 1`], (statement) =>
        Effect.map(Effect.flip(statement), ({ message, reason }) => [message, reason._tag])
      )
    )
    const both = Effect.all([ask, fail])
    const production = await Effect.runPromise(Effect.provide(both, EmbeddedDatabase.layer))
    await on(async (life) => assert.deepStrictEqual(await life.value(both), production))
  })

  it("does not take for a commit what the server answers with ROLLBACK", () =>
    on(async (life, database) => {
      const before = database.commits
      const broken = Effect.andThen(put(1, 1), Effect.exit(sql((sql) => sql`SELECT 1/0`)))
      const exit = await life.run(within(broken))
      assert.isTrue(Exit.isFailure(exit))
      assert.strictEqual(database.commits, before)
      assert.isUndefined(await life.value(get(1)))
    }))

  it("serves a session that is reserved, and rolls back what a killed process left open on it", () =>
    on(async (life, database, world) => {
      const statements = [
        "SET work_mem = '1MB'",
        "CREATE TEMPORARY TABLE mine (n integer)",
        "SELECT pg_advisory_lock(7)",
        "BEGIN ISOLATION LEVEL SERIALIZABLE",
        "INSERT INTO mine VALUES (1)"
      ]
      const left = sql((sql) =>
        Effect.scoped(
          Effect.flatMap(sql.reserve, (it) =>
            Effect.forEach(statements, (text) => it.execute(text, [], undefined), { discard: true })
          )
        )
      )
      await life.value(left)
      life.process.kill()
      database.crash()
      const next = await Life.begin(world, database, 2)
      const session = sql(
        (sql) => sql`
          SELECT current_setting('work_mem') = '1MB' AS kept, to_regclass('mine') AS mine,
            (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory') AS locks, pg_current_xact_id_if_assigned() AS open`
      )
      assert.deepStrictEqual(await next.value(session), [{ kept: false, mine: null, locks: 0n, open: null }])
    }))

  it("takes a scenario's own tables along when it is wiped and put back, and none into the next run", async () => {
    await on(async (life, database, world) => {
      await life.value(createTables)
      await life.value(open("ann"))
      const one = database.snapshot()
      await life.value(open("bob"))
      const two = database.snapshot()
      life.process.kill()
      database.wipe()
      const empty = await Life.begin(world, database, 2)
      assert.isTrue(Exit.isFailure(await empty.run(people)))
      // The scenario prepares the new database as it did the old one.
      await empty.value(createTables)
      await empty.value(open("eve"))
      assert.deepStrictEqual(await empty.value(people), [person(1, "eve")])
      empty.process.kill()
      database.wipe()
      database.restore(two)
      const second = await Life.begin(world, database, 3)
      assert.deepStrictEqual(await second.value(people), [person(1, "ann"), person(2, "bob")])
      second.process.kill()
      database.restore(one)
      const first = await Life.begin(world, database, 4)
      assert.deepStrictEqual(await first.value(people), [person(1, "ann")])
      await first.value(open("cid"))
      assert.deepStrictEqual(await first.value(people), [person(1, "ann"), person(2, "cid")])
      assert.isTrue(Exit.isFailure(await first.run(open("ann"))))
      await first.value(put(1, 1))
    })
    await on(async (life) => {
      assert.isUndefined(await life.value(get(1)))
      const left = sql(
        (sql) => sql`
          SELECT nspname FROM pg_namespace WHERE nspname LIKE 'simulated%'
          UNION ALL SELECT relname FROM pg_class WHERE relname IN ('people', 'entries')`
      )
      assert.deepStrictEqual(await life.value(left), [])
      await life.value(createTables)
      await life.value(open("ann"))
      assert.deepStrictEqual(await life.value(people), [person(1, "ann")])
    })
  })

  it("puts back a backup without the tables that were made after it", () =>
    on(async (life, database, world) => {
      const backup = database.snapshot()
      await life.value(createTables)
      life.process.kill()
      database.restore(backup)
      const next = await Life.begin(world, database, 2)
      assert.isTrue(Exit.isFailure(await next.run(people)))
      await next.value(createTables)
    }))

  it("throws an instance away that it cannot bring back to the beginning", async () => {
    await on(
      async (life) =>
        void (await life.value(sql((sql) => sql`CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'`)))
    )
    await on(async (life) => assert.isTrue(Exit.isFailure(await life.run(sql((sql) => sql`SELECT f()`)))))
  })

  it("gives nothing of a run to the next one, not even what was open at its end", async () => {
    const note = sql(
      (sql) => sql`
        INSERT INTO inbox (peer, message_id, text, received_at)
        VALUES ('p', 'cafe0000-0000-4000-8000-000000000000', 'hello', 1) RETURNING id`
    )
    await on(async (life, _database, world) => {
      await life.value(put(1, 1))
      assert.deepStrictEqual(await life.value(note), [{ id: 1n }])
      await life.value(sql((sql) => sql`SET work_mem = '1MB'`))
      const open = Deferred.makeUnsafe<void>()
      life.start(within(Effect.andThen(put(2, 2), Effect.andThen(Deferred.succeed(open, undefined), Effect.never))))
      await until(world, () => Deferred.isDoneUnsafe(open))
    })
    await on(async (life) => {
      assert.deepStrictEqual(await life.value(note), [{ id: 1n }])
      assert.deepStrictEqual(await life.value(Effect.all([get(1), get(2)])), [undefined, undefined])
      const setting = sql((sql) => sql`SELECT current_setting('work_mem') = '1MB' AS left`)
      assert.deepStrictEqual(await life.value(setting), [{ left: false }])
    })
  })

  it("says how many nodes a run on it can have", async () => {
    const nodes = Array.from({ length: PgliteDatabases.maxNodes + 1 }, (_, n) => `n${n}`)
    const refused = await PgliteDatabases.acquire(nodes).then(
      () => "none",
      (error: unknown) => String(error)
    )
    assert.include(refused, `at most ${PgliteDatabases.maxNodes} nodes`)
  })

  it("loses the answer to a statement that a restart overtakes", () =>
    on(async (life, database, world) => {
      const end = life.start(within(put(1, 1)))
      let restarted = false
      database.onCommit = () => {
        if (!restarted) database.restart(0)
        restarted = true
      }
      await world.run(() => end.exit !== undefined)
      assert.isTrue(restarted)
      assert.isTrue(failedPassing(end.exit))
      assert.strictEqual(await life.value(get(1)), 1)
    }))
})
