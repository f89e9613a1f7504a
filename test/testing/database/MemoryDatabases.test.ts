import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Result } from "effect"
import { SqlClient } from "effect/sql"
import { MemoryDatabase, MemorySlot } from "../../../src/layers/MemoryDatabase.ts"
import { MemoryTable } from "../../../src/layers/MemoryTable.ts"
import * as MemoryDatabases from "../../../src/testing/database/MemoryDatabases.ts"
import { maxSnapshots } from "../../../src/testing/database/SimulatedDatabase.ts"
import { Life, newWorld } from "./Program.ts"
import { simulates } from "./SimulatedDatabaseContract.ts"

simulates("memory", (world, test) => test(MemoryDatabases.make(world, "a")), { late: false })

describe("a simulated database of memory", () => {
  it("says what to change when SqlClient is used", async () => {
    const world = newWorld()
    const life = await Life.begin(world, MemoryDatabases.make(world, "a"))
    const uses = SqlClient.SqlClient.use((sql) =>
      Effect.forEach(
        [sql`SELECT 1`, sql.withTransaction(Effect.void), Effect.scoped(sql.reserve), sql.unsafe("SELECT 1").raw],
        (use) => Effect.exit(use)
      )
    )
    for (const exit of await life.value(uses)) {
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.include(String(exit), 'set database: "pglite"')
    }
  })

  it("keeps a backup however many are dropped after it", () => {
    const database = MemoryDatabases.make(newWorld(), "a")
    const kept = database.snapshot()
    for (let n = 0; n < 3 * maxSnapshots; n++) database.drop(database.snapshot())
    database.restore(kept)
    database.drop(kept)
    assert.throws(() => database.restore(kept), /not kept/)
  })

  it("shows what is committed in a table of one's own", async () => {
    const tableIn = new MemorySlot((log) => new MemoryTable<string, number>(log))
    const world = newWorld()
    const database = MemoryDatabases.make(world, "a")
    const memory = database.memory!
    const life = await Life.begin(world, database)
    const peek = () => memory.log.committed(() => [...tableIn.of(memory)])
    const seen: Array<ReadonlyArray<number>> = []
    database.onCommit = () => void seen.push(peek())
    const set = (value: number) =>
      MemoryDatabase.use((it) => it.attempt(() => Result.succeed(tableIn.of(it).set("a", value))))
    await life.value(
      Effect.serviceOption(MemoryDatabase).pipe(
        Effect.flatMap(Effect.fromOption),
        Effect.flatMap((it) =>
          it.within(
            Effect.andThen(
              Effect.provideService(set(1), MemoryDatabase, it),
              Effect.sync(() => void seen.push(peek()))
            )
          )
        )
      )
    )
    assert.deepStrictEqual(seen, [[], [1]])
  })
})
