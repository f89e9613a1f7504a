import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Exit, Layer, Logger, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { migrations } from "../../migrations/index.ts"
import * as IdentityMemory from "../../src/layers/IdentityMemory.ts"
import * as Migrations from "../../src/layers/Migrations.ts"
import { DatabaseOfAnother, DatabaseTaken, exclusive } from "../../src/programs/DatabaseGuard.ts"
import * as FreshDatabase from "../support/FreshDatabase.ts"

const database = Migrations.layer(migrations).pipe(Layer.provideMerge(FreshDatabase.layer))

const guardOf = (seed: number) =>
  Layer.build(Layer.fresh(exclusive.pipe(Layer.provide(IdentityMemory.layerFromSeed(new Uint8Array(32).fill(seed))))))

/** The sessions that hold an advisory lock of this database. */
const holders = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ readonly pid: number }>`
    SELECT pid FROM pg_locks
    WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
  return rows.map(({ pid }) => pid)
})

layer(database, { excludeTestServices: true })("a database", (it) => {
  it.effect("is one process's of a node, until that ends", () =>
    Effect.gen(function* () {
      const first = yield* Scope.make()
      yield* Scope.provide(guardOf(1), first)
      const refused = yield* Effect.flip(Effect.scoped(guardOf(1)))
      assert.instanceOf(refused, DatabaseTaken)
      yield* Scope.close(first, Exit.void)
      assert.deepStrictEqual(yield* holders, [])
      yield* Effect.scoped(guardOf(1))
    })
  )

  it.effect("stays that of the node that was there first", () =>
    Effect.gen(function* () {
      const refused = yield* Effect.flip(Effect.scoped(guardOf(2)))
      assert.instanceOf(refused, DatabaseOfAnother)
      assert.include(refused.message, refused.owner.slice(0, 8))
    })
  )

  it.effect("is taken again when the connection that held it is lost", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const held = Deferred.makeUnsafe<void>()
      const logger = Logger.make(({ message }) => {
        if (String(message).includes("held again")) Deferred.doneUnsafe(held, Exit.void)
      })
      yield* Effect.provide(guardOf(1), Logger.layer([logger]))
      const [before] = yield* holders
      assert.isDefined(before)
      yield* sql`SELECT pg_terminate_backend(${before})`
      yield* Deferred.await(held)
      const after = yield* holders
      assert.lengthOf(after, 1)
      assert.notInclude(after, before)
    }).pipe(Effect.scoped)
  )
})
