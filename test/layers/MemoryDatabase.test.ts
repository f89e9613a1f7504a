import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Result } from "effect"
import { MemoryDatabase, MemorySlot } from "../../src/layers/MemoryDatabase.ts"
import { MemoryTable } from "../../src/layers/MemoryTable.ts"

const tableIn = new MemorySlot((log) => new MemoryTable<string, number>(log))

const put = (database: MemoryDatabase["Service"], key: string, value: number) =>
  database.attempt(() => Result.succeed(tableIn.of(database).set(key, value)))

describe("a database in memory", () => {
  it.effect("drops what was open when it crashes, lets nobody finish it, and serves the next process", () =>
    Effect.gen(function* () {
      const database = yield* MemoryDatabase.make
      const table = tableIn.of(database)
      yield* put(database, "kept", 1)
      const written = yield* Deferred.make<void>()
      const thaw = yield* Deferred.make<void>()
      const frozen = yield* put(database, "kept", 2).pipe(
        Effect.andThen(put(database, "lost", 1)),
        Effect.andThen(Deferred.succeed(written, undefined)),
        Effect.andThen(Deferred.await(thaw)),
        Effect.andThen(put(database, "late", 1)),
        database.within,
        Effect.forkChild
      )
      yield* Deferred.await(written)
      const waiting = yield* Effect.forkChild(put(database, "waiting", 1), { startImmediately: true })
      database.crash()
      assert.deepStrictEqual([...table], [1])
      yield* database.within(put(database, "new", 3))
      yield* Deferred.succeed(thaw, undefined)
      for (const fiber of [frozen, waiting]) {
        const error = yield* Effect.flip(Fiber.join(fiber))
        assert.isTrue(error.isRetryable)
      }
      assert.deepStrictEqual([...table], [1, 3])
      assert.strictEqual(yield* put(database, "again", 4).pipe(Effect.as("done")), "done")
    })
  )

  it.effect("takes back a statement that fails half-way, also inside a transaction that goes on", () =>
    Effect.gen(function* () {
      const database = yield* MemoryDatabase.make
      const table = tableIn.of(database)
      const half = (end: () => Result.Result<void, string>) =>
        Effect.exit(
          database.attempt(() => {
            table.set("a", 9)
            table.delete("b")
            return end()
          })
        )
      yield* database.within(
        Effect.gen(function* () {
          yield* put(database, "a", 1)
          yield* put(database, "b", 2)
          yield* half(() => Result.fail("no"))
          yield* half(() => {
            throw new Error("broken")
          })
          yield* put(database, "c", 3)
        })
      )
      assert.deepStrictEqual([...table], [1, 2, 3])
    })
  )

  it.effect("keeps rows in the order of their keys through rollbacks", () =>
    Effect.gen(function* () {
      const database = yield* MemoryDatabase.make
      const table = tableIn.of(database)
      for (const [n, key] of ["a", "b", "c", "d"].entries()) yield* put(database, key, n)
      const dropAndFail = database.attempt(() => {
        table.deleteWhere((row) => row < 2)
        table.set("e", 4)
        return Result.fail("no")
      })
      yield* Effect.exit(database.within(dropAndFail))
      assert.deepStrictEqual([...table], [0, 1, 2, 3])
    })
  )

  it.effect("is another one for another name: transactions of two do not touch", () =>
    Effect.gen(function* () {
      const [one, two] = [yield* MemoryDatabase.make, yield* MemoryDatabase.make]
      const log: Array<string> = []
      yield* Effect.exit(
        one.within(
          Effect.gen(function* () {
            yield* put(one, "a", 1)
            yield* two.within(
              Effect.andThen(put(two, "a", 2), two.afterCommit(Effect.sync(() => void log.push("two"))))
            )
            yield* one.afterCommit(Effect.sync(() => void log.push("one")))
            return yield* Effect.fail("no")
          })
        )
      )
      assert.deepStrictEqual([[...tableIn.of(one)], [...tableIn.of(two)], log], [[], [2], ["two"]])
    })
  )

  it.effect("refuses to write for a fiber that outlives its transaction", () =>
    Effect.gen(function* () {
      const database = yield* MemoryDatabase.make
      const go = yield* Deferred.make<void>()
      const fiber = yield* database.within(
        Effect.forkDetach(Effect.andThen(Deferred.await(go), Effect.exit(put(database, "a", 1))))
      )
      yield* Deferred.succeed(go, undefined)
      const exit = yield* Fiber.join(fiber)
      assert.include(String(exit), "already ended")
      assert.deepStrictEqual([...tableIn.of(database)], [])
    })
  )
})
