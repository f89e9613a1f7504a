/**
 * What `Records` do, in whatever database.
 */
import { assert, layer } from "@effect/vitest"
import { Cause, Effect, Exit, type Layer, Result, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { Records } from "../../src/services/Records.ts"
import { maxKeyBytes, maxPage, type Part } from "../../src/services/RecordTable.ts"
import { Transactions } from "../../src/services/Transactions.ts"
import { Reopen, type Stores } from "./Stores.ts"

const Stamp = Schema.Struct({
  album: Schema.String,
  number: Schema.BigInt,
  worth: Schema.Int,
  owner: Schema.optionalKey(Schema.String),
  note: Schema.String
})
type Stamp = typeof Stamp.Type

export const stamps = Records.table("stamps", {
  row: Stamp,
  key: (stamp) => [stamp.album, stamp.number],
  indexes: {
    owner: ({ owner, worth }) => (owner === undefined ? undefined : [owner, worth]),
    worth: ({ worth }) => [worth]
  }
})
export const counters = Records.table("counters", {
  row: Schema.Struct({ name: Schema.String, count: Schema.Int }),
  key: ({ name }) => [name]
})

export const stamp = (album: string, number: bigint, fields: Partial<Stamp> = {}): Stamp => ({
  album,
  number,
  worth: Number(number),
  note: "",
  ...fields
})

const numbers = (rows: ReadonlyArray<Stamp>) => rows.map(({ number }) => Number(number))

const diesOf = (effect: Effect.Effect<unknown, SqlError>) =>
  Effect.map(Effect.exit(effect), (exit) => Exit.isFailure(exit) && Cause.hasDies(exit.cause))

const problemOf = <A>(effect: Effect.Effect<A, SqlError>) =>
  effect.pipe(
    Effect.flip,
    Effect.map((error) => Records.unfit(error)?.problem)
  )

const empty = Effect.gen(function* () {
  const records = yield* Records
  for (const { album, number } of yield* records.page(stamps, "key", { limit: maxPage }))
    yield* records.remove(stamps, [album, number])
  for (const { name } of yield* records.page(counters, "key", { limit: maxPage }))
    yield* records.remove(counters, [name])
})

/** The tables have to be there. */
export const records = (name: string, stores: Layer.Layer<Stores | Reopen>) =>
  layer(stores)(`records in ${name}`, (it) => {
    it.effect("read and write many at once: those that are there, whatever was under their keys", () =>
      Effect.gen(function* () {
        yield* empty
        const { get, getAll, page, put, putAll } = yield* Records
        yield* put(stamps, stamp("a", 2n, { owner: "x", note: "old" }))
        yield* putAll(stamps, [stamp("a", 1n), stamp("a", 2n, { note: "new" }), stamp("b", 1n, { owner: "y" })])
        assert.deepStrictEqual(yield* get(stamps, ["a", 2n]), stamp("a", 2n, { note: "new" }))
        assert.deepStrictEqual(numbers(yield* page(stamps, "owner", { limit: 9 })), [1])
        const found = yield* getAll(stamps, [
          ["b", 1n],
          ["a", 3n],
          ["a", 1n],
          ["b", 1n]
        ])
        assert.sameDeepMembers([...found], [stamp("a", 1n), stamp("b", 1n, { owner: "y" })])
        yield* putAll(stamps, [stamp("b", 1n), stamp("c", 1n)])
        assert.deepStrictEqual(yield* page(stamps, "owner", { limit: 9 }), [])
        yield* putAll(stamps, [])
        assert.deepStrictEqual(yield* getAll(stamps, []), [])
      })
    )

    it.effect("write nothing of many rows where one cannot be, and take no row twice, nor too many", () =>
      Effect.gen(function* () {
        yield* empty
        const { getAll, page, putAll } = yield* Records
        const unfit = stamp("a".repeat(maxKeyBytes), 2n)
        assert.strictEqual(yield* problemOf(putAll(stamps, [stamp("a", 1n), unfit])), "key unfit")
        assert.isTrue(yield* diesOf(putAll(stamps, [stamp("a", 1n), stamp("a", 1n)])))
        const many = Array.from({ length: maxPage + 1 }, (_, n) => stamp("a", BigInt(n)))
        assert.isTrue(yield* diesOf(putAll(stamps, many)))
        assert.isTrue(
          yield* diesOf(
            getAll(
              stamps,
              many.map(({ album, number }) => [album, number] as const)
            )
          )
        )
        assert.deepStrictEqual(yield* page(stamps, "key", { limit: 9 }), [])
      })
    )

    it.effect("insert what is new, replace what is there, put both, remove, and say what they did", () =>
      Effect.gen(function* () {
        yield* empty
        const { get, insert, put, remove, replace } = yield* Records
        const one = stamp("a", 1n, { owner: "x" })
        assert.isUndefined(yield* get(stamps, ["a", 1n]))
        assert.isFalse(yield* replace(stamps, one))
        assert.isTrue(yield* insert(stamps, one))
        assert.isFalse(yield* insert(stamps, { ...one, note: "other" }))
        assert.deepStrictEqual(yield* get(stamps, ["a", 1n]), one)
        assert.isUndefined(yield* get(stamps, ["a", 2n]))
        assert.isTrue(yield* replace(stamps, { ...one, note: "new" }))
        assert.strictEqual((yield* get(stamps, ["a", 1n]))?.note, "new")
        yield* put(stamps, { ...one, note: "put" })
        yield* put(stamps, stamp("a", 2n))
        assert.deepStrictEqual(
          (yield* (yield* Records).page(stamps, "key", { limit: 9 })).map(({ note }) => note),
          ["put", ""]
        )
        assert.isTrue(yield* remove(stamps, ["a", 1n]))
        assert.isFalse(yield* remove(stamps, ["a", 1n]))
        assert.isUndefined(yield* get(stamps, ["a", 1n]))
      })
    )

    it.effect("give back every text and number as it was given, and are still there after a restart", () =>
      Effect.gen(function* () {
        yield* empty
        const { get, insert } = yield* Records
        const strange = stamp("\0\u0001\u{1f600}\uffff'\"\\", -(10n ** 60n), {
          note: "\0 \ud800 é \u{10ffff}",
          worth: -7
        })
        yield* insert(stamps, strange)
        assert.deepStrictEqual(yield* get(stamps, [strange.album, strange.number]), strange)
        const { reopen } = yield* Reopen
        const again = yield* Effect.provide(
          Effect.flatMap(Records, (records) => records.get(stamps, [strange.album, strange.number])),
          yield* reopen
        )
        assert.deepStrictEqual(again, strange)
      })
    )

    it.effect("are changed with their transaction, in every index, or not at all", () =>
      Effect.gen(function* () {
        yield* empty
        const { get, insert, page, remove, replace } = yield* Records
        const { within } = yield* Transactions
        yield* insert(stamps, stamp("a", 1n, { owner: "x" }))
        yield* insert(stamps, stamp("a", 2n, { owner: "x" }))
        const changes = Effect.gen(function* () {
          yield* insert(stamps, stamp("a", 3n, { owner: "x" }))
          yield* replace(stamps, stamp("a", 1n, { owner: "y", worth: 50 }))
          yield* remove(stamps, ["a", 2n])
        })
        const seen = Effect.gen(function* () {
          const of = (owner: string) => page(stamps, "owner", { prefix: [owner], limit: 9 })
          const worth = yield* page(stamps, "worth", { limit: 9 })
          return [
            numbers(yield* of("x")),
            numbers(yield* of("y")),
            numbers(worth),
            (yield* get(stamps, ["a", 1n]))?.worth
          ]
        })
        yield* Effect.exit(within(Effect.andThen(changes, Effect.fail("no"))))
        assert.deepStrictEqual(yield* seen, [[1, 2], [], [1, 2], 1])
        yield* within(changes)
        assert.deepStrictEqual(yield* seen, [[3], [1], [3, 1], 50])
      })
    )

    it.effect("come page by page in the order of an index or of the key, forwards and backwards", () =>
      Effect.gen(function* () {
        yield* empty
        const { insert, page } = yield* Records
        const all = [-1000n, -11n, -2n, 0n, 1n, 9n, 10n, 11n, 100n, 10n ** 30n]
        for (const number of all.toSorted((a, b) => (String(a) < String(b) ? -1 : 1)))
          yield* insert(
            stamps,
            stamp("b", number, { worth: Number(number % 2n), ...(number < 0n ? {} : { owner: "o" }) })
          )
        for (const album of ["", "a", "b\0", "c", "\ue000", "\u{10000}"]) yield* insert(stamps, stamp(album, 7n))

        const walk = Effect.fnUntraced(function* (
          index: "key" | "owner" | "worth",
          prefix: ReadonlyArray<Part>,
          backwards = false
        ) {
          const found: Array<Stamp> = []
          let after: ReadonlyArray<Part> | undefined
          for (let rounds = 0; rounds < 20; rounds++) {
            const rows = yield* page(stamps, index, { prefix, after, backwards, limit: 3 })
            found.push(...rows)
            const last = rows.at(-1)
            if (last === undefined) break
            after = stamps.parts(index, last)
          }
          return found
        })
        const numbersOf = (rows: ReadonlyArray<Stamp>) => rows.map(({ number }) => number)
        assert.deepStrictEqual(numbersOf(yield* walk("key", ["b"])), all)
        assert.deepStrictEqual(numbersOf(yield* walk("key", ["b"], true)), all.toReversed())
        assert.deepStrictEqual(
          (yield* walk("key", [])).filter(({ album }) => album !== "b").map(({ album }) => album),
          ["", "a", "b\0", "c", "\ue000", "\u{10000}"]
        )
        assert.deepStrictEqual(numbersOf(yield* walk("owner", ["o"])), [0n, 10n, 100n, 10n ** 30n, 1n, 9n, 11n])
        assert.deepStrictEqual(numbersOf(yield* walk("owner", ["o", 1], true)), [11n, 9n, 1n])
        assert.deepStrictEqual(numbersOf(yield* walk("worth", [-1])), [-11n])
        assert.deepStrictEqual(numbersOf(yield* walk("owner", [])).length, 7)
        const some = (options: { readonly after: ReadonlyArray<Part>; readonly backwards?: boolean }) =>
          Effect.map(page(stamps, "key", { prefix: ["b"], limit: 2, ...options }), numbersOf)
        assert.deepStrictEqual(yield* some({ after: ["b", 9n] }), [10n, 11n])
        assert.deepStrictEqual(yield* some({ after: ["b", 5] }), [9n, 10n])
        assert.deepStrictEqual(yield* some({ after: ["b", 9n], backwards: true }), [1n, 0n])
      })
    )

    it.effect("are looked at one by one as they are stored, in the order of an index or of the key", () =>
      Effect.gen(function* () {
        yield* empty
        const { insert, look } = yield* Records
        for (const number of [3n, -1n, 10n]) yield* insert(stamps, stamp("b", number, { worth: 5 }))
        yield* insert(stamps, stamp("a", 2n, { owner: "o" }))
        yield* insert(stamps, stamp("\u{10000}\ue000", 2n))
        const walk = Effect.fnUntraced(function* (index: "key" | "owner" | "worth", prefix: ReadonlyArray<Part>) {
          const found: Array<string> = []
          let after: string | undefined
          for (let rounds = 0; rounds < 20; rounds++) {
            const rows = yield* look(stamps, index, { prefix, after, limit: 2 })
            for (const { isInPlace, key, row } of rows) {
              assert.isTrue(isInPlace)
              found.push(Result.isSuccess(row) ? `${key} ${row.success.number}` : "")
            }
            if (rows.length < 2) break
            after = rows.at(-1)?.at
          }
          return found
        })
        const b = ["[b, -1] -1", "[b, 3] 3", "[b, 10] 10"]
        assert.deepStrictEqual(yield* walk("key", ["b"]), b)
        assert.deepStrictEqual((yield* walk("key", [])).slice(0, 4), ["[a, 2] 2", ...b])
        assert.lengthOf(yield* walk("key", []), 5)
        assert.deepStrictEqual(yield* walk("worth", [5]), b)
        assert.deepStrictEqual(yield* walk("owner", []), ["[a, 2] 2"])
        assert.deepStrictEqual(yield* walk("key", ["c"]), [])
        assert.isTrue(yield* diesOf(look(stamps, "key", { limit: maxPage + 1 })))
      })
    )

    it.effect("refuse keys that are too long or of half characters, and pages that are asked for wrongly", () =>
      Effect.gen(function* () {
        yield* empty
        const { get, insert, page, remove } = yield* Records
        const long = "é".repeat(500)
        assert.strictEqual(yield* problemOf(insert(stamps, stamp(long, 1n))), "key unfit")
        assert.strictEqual(yield* problemOf(get(stamps, ["\ud800", 1n])), "key unfit")
        assert.strictEqual(yield* problemOf(remove(stamps, [long, 1n])), "key unfit")
        assert.strictEqual(yield* problemOf(page(stamps, "key", { prefix: ["\ud800"], limit: 1 })), "key unfit")
        assert.strictEqual(yield* problemOf(insert(stamps, stamp("a", 1n, { owner: long + long }))), "key unfit")
        assert.isTrue(yield* insert(stamps, stamp(long.slice(0, 490), 1n, { owner: long })))
        for (const limit of [0, 1.5, maxPage + 1])
          assert.isTrue(yield* diesOf(page(stamps, "key", { limit })), String(limit))
        assert.isTrue(yield* diesOf(page(stamps, "key", { prefix: ["a"], after: ["b"], limit: 1 })))
        assert.strictEqual((yield* page(stamps, "key", { limit: maxPage })).length, 1)
      })
    )

    it.effect("lock a row against all others until the transaction ends", () =>
      Effect.gen(function* () {
        yield* empty
        const { get, insert, lock, replace } = yield* Records
        const { within } = yield* Transactions
        yield* insert(counters, { name: "n", count: 0 })
        const more = within(
          Effect.gen(function* () {
            const row = yield* lock(counters, ["n"])
            yield* Effect.yieldNow
            yield* replace(counters, { name: "n", count: (row?.count ?? 0) + 1 })
          })
        )
        yield* Effect.all(
          Array.from({ length: 8 }, () => more),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(yield* get(counters, ["n"]), { name: "n", count: 8 })
        assert.isTrue(yield* diesOf(lock(counters, ["n"])))
      })
    )

    it.effect("claim a name against all others, for rows that are not there yet", () =>
      Effect.gen(function* () {
        yield* empty
        const { claim, get, put } = yield* Records
        const { within } = yield* Transactions
        const more = within(
          Effect.gen(function* () {
            yield* claim("counter n")
            const row = yield* get(counters, ["n"])
            yield* Effect.yieldNow
            yield* put(counters, { name: "n", count: (row?.count ?? 0) + 1 })
          })
        )
        yield* Effect.all(
          Array.from({ length: 8 }, () => more),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(yield* get(counters, ["n"]), { name: "n", count: 8 })
        assert.isTrue(yield* diesOf(claim("counter n")))
      })
    )

    it.effect("hand rows to a table that was defined anew, and say which one it cannot read", () =>
      Effect.gen(function* () {
        yield* empty
        const { get, insert, page } = yield* Records
        const key = ({ name }: { readonly name: string }): readonly [string] => [name]
        const more = Schema.Struct({ name: Schema.String, count: Schema.Int, unit: Schema.optionalKey(Schema.String) })
        const other = Schema.Struct({ name: Schema.String, count: Schema.Array(Schema.String) })
        yield* insert(counters, { name: "n", count: 3 })
        const [again, unlike] = [
          Records.table("counters", { row: more, key }),
          Records.table("counters", { row: other, key })
        ]
        assert.deepStrictEqual(yield* get(again, ["n"]), { name: "n", count: 3 })
        const error = Records.unfit(yield* Effect.flip(page(unlike, "key", { limit: 2 })))
        assert.deepStrictEqual([error?.table, error?.key, error?.problem], ["counters", "tn", "unreadable"])
        assert.include(error?.message, "count")
      })
    )
  })
