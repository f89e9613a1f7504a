import { assert, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { Records } from "../../src/services/Records.ts"
import { maxContentBytes } from "../../src/services/RecordTable.ts"
import { counters, records, stamp, stamps } from "../support/RecordsContract.ts"
import * as Stores from "../support/Stores.ts"

// Twice: a table that is there already stays as it is.
const tables = Layer.effectDiscard(
  Effect.forEach([stamps, counters, stamps], (table) => Records.migration(table))
).pipe(Layer.orDie)
const withTables = <A, R>(stores: Layer.Layer<A, never, R>) => Layer.provideMerge(tables, stores)

records("memory", Stores.memory)
records("PGlite", withTables(Stores.pglite))
records("PostgreSQL", withTables(Stores.postgres))

it.effect("are refused on SQL when they are too large, or not what their schema writes", () =>
  Effect.gen(function* () {
    const { get, insert } = yield* Records
    const problem = <A>(effect: Effect.Effect<A, SqlError>) =>
      Effect.map(Effect.flip(effect), (error) => Records.unfit(error)?.problem)
    const frame = JSON.stringify({ ...stamp("a", 1n), number: "1" }).length
    const full = stamp("a", 1n, { note: "x".repeat(maxContentBytes - frame) })
    assert.isTrue(yield* insert(stamps, full))
    assert.deepStrictEqual(yield* get(stamps, ["a", 1n]), full)
    assert.strictEqual(yield* problem(insert(stamps, { ...full, number: 2n, note: `${full.note}x` })), "too large")
    assert.strictEqual(yield* problem(insert(stamps, stamp("a", 3n, { worth: 1.5 }))), "key unfit")
    assert.strictEqual(yield* problem(insert(counters, { name: "n", count: 1.5 })), "unwritable")
  }).pipe(Effect.provide(withTables(Stores.pglite)))
)

it("is no table whose names SQL would not have, or with too many indexes", () => {
  const row = Schema.Struct({ n: Schema.Int })
  const key = ({ n }: { readonly n: number }): readonly [number] => [n]
  for (const name of ["", "Stamps", "a b", "1a", `"x"`, "a".repeat(33)])
    assert.throws(() => Records.table(name, { row, key }), "not a table's name")
  for (const index of ["key", "Of", "a;b", "a".repeat(25)])
    assert.throws(() => Records.table("t", { row, key, indexes: { [index]: key } }), "not the name of an index")
  assert.throws(
    () => Records.table("t", { row, key, indexes: { a: key, b: key, c: key, d: key, e: key } }),
    "more than 4"
  )
})
