/**
 * What every store of headers does.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { HeaderStore, type StoredHeader } from "../../src/services/chain/HeaderStore.ts"
import { Transactions } from "../../src/services/Transactions.ts"
import { Reopen, type Stores } from "./Stores.ts"

/** More than 64 bits of weight each. */
const each = 2n ** 70n + 1n
/** Headers of a branch at these heights, of all lengths that there may be. */
const run = (branch: number, from: number, count: number): ReadonlyArray<StoredHeader> =>
  Array.from({ length: count }, (_, at) => {
    const height = from + at
    const id = (branch * 1_000 + height).toString(16).padStart(64, "0f")
    return { id, height, bytes: new Uint8Array(1 + ((height * 17) % 256)).fill(height), weight: each * BigInt(height) }
  })

const main = run(0, 0, 21)
const other = run(1, 16, 8)

let chains = 0
/** One that no other test uses. */
const fresh = () => `chain-${chains++}`

const ids = (headers: ReadonlyArray<StoredHeader>) => headers.map(({ id }) => id)
const absent = "ab".repeat(32)

export const keeps = (name: string, stores: Layer.Layer<Stores | Reopen>) =>
  layer(stores)(`a store of headers in ${name}`, (it) => {
    it.effect("keeps headers, their heights and their weights, over a restart", () =>
      Effect.gen(function* () {
        const store = yield* HeaderStore
        const net = fresh()
        assert.deepStrictEqual(yield* store.tail(net, 10), [])
        assert.isTrue(yield* store.replace(net, undefined, -1, main.slice(0, 8)))
        assert.isTrue(yield* store.replace(net, main[7]!.id, 7, main.slice(8)))
        const { reopen } = yield* Reopen
        const again = yield* Effect.provide(HeaderStore, yield* reopen)
        assert.deepStrictEqual(yield* again.tail(net, 100), main)
        assert.deepStrictEqual(yield* again.tail(net, 3), main.slice(18))
        assert.deepStrictEqual(yield* again.tail(fresh(), 3), [])
      })
    )

    it.effect("finds heights by ids, ids by heights, and what comes after a height", () =>
      Effect.gen(function* () {
        const store = yield* HeaderStore
        const net = fresh()
        yield* store.replace(net, undefined, -1, main)
        assert.strictEqual(yield* store.highest(net, [absent, main[3]!.id, main[9]!.id, main[0]!.id]), 9)
        assert.strictEqual(yield* store.highest(net, [main[0]!.id]), 0)
        assert.isUndefined(yield* store.highest(net, [absent]))
        assert.isUndefined(yield* store.highest(net, []))
        assert.isUndefined(yield* store.highest(fresh(), [main[3]!.id]))
        assert.deepStrictEqual(yield* store.above(net, 4, 3), main.slice(5, 8))
        assert.deepStrictEqual(yield* store.above(net, -1, 2), main.slice(0, 2))
        assert.deepStrictEqual(yield* store.above(net, 20, 5), [])
        assert.deepStrictEqual(yield* store.ids(net, [0, 20, 21, 7]), [main[20]!.id, main[7]!.id, main[0]!.id])
      })
    )

    it.effect("takes a better branch in the place of another one", () =>
      Effect.gen(function* () {
        const store = yield* HeaderStore
        const net = fresh()
        yield* store.replace(net, undefined, -1, main)
        assert.isTrue(yield* store.replace(net, main[20]!.id, 15, other))
        assert.deepStrictEqual(yield* store.above(net, 13, 100), [...main.slice(14, 16), ...other])
        assert.isUndefined(yield* store.highest(net, ids(main.slice(16))))
        assert.strictEqual(yield* store.highest(net, ids(other)), 23)
      })
    )

    it.effect("changes nothing when another process has written, unless it was the same", () =>
      Effect.gen(function* () {
        const store = yield* HeaderStore
        const net = fresh()
        const [short, long] = [main.slice(0, 10), main.slice(10)]
        yield* store.replace(net, undefined, -1, short)
        assert.isFalse(yield* store.replace(net, undefined, -1, main.slice(0, 3)))
        assert.isTrue(yield* store.replace(net, short[9]!.id, 9, long))
        assert.isTrue(yield* store.replace(net, short[9]!.id, 9, long), "its commit was not heard of")
        assert.isFalse(yield* store.replace(net, short[9]!.id, 9, main.slice(10, 12)))
        assert.isFalse(yield* store.replace(net, absent, 15, other))
        assert.deepStrictEqual(yield* store.above(net, -1, 100), main)
      })
    )

    it.effect("lets one of two win that know the same last header", () =>
      Effect.gen(function* () {
        const store = yield* HeaderStore
        for (let round = 0; round < 10; round++) {
          const net = fresh()
          yield* store.replace(net, undefined, -1, main)
          const [longer, better] = [run(2, 21, 2), run(3, 21, 3)]
          const won = yield* Effect.all(
            [store.replace(net, main[20]!.id, 20, longer), store.replace(net, main[20]!.id, 20, better)],
            { concurrency: 2 }
          )
          assert.deepStrictEqual(won.toSorted(), [false, true])
          assert.deepStrictEqual(yield* store.above(net, 20, 100), won[0] ? longer : better)
        }
      })
    )

    it.effect("joins the transaction that is open, and goes back with it", () =>
      Effect.gen(function* () {
        const store = yield* HeaderStore
        const transactions = yield* Transactions
        const net = fresh()
        yield* store.replace(net, undefined, -1, main)
        const written = store.replace(net, main[20]!.id, 15, other)
        yield* Effect.flip(transactions.within(Effect.andThen(written, Effect.fail("not this time"))))
        assert.deepStrictEqual(yield* store.above(net, -1, 100), main)
        assert.isTrue(yield* transactions.within(written))
        assert.deepStrictEqual(yield* store.tail(net, 8), other)
      })
    )

    it.effect("keeps chains apart", () =>
      Effect.gen(function* () {
        const store = yield* HeaderStore
        const [one, two] = [fresh(), fresh()]
        yield* store.replace(one, undefined, -1, main)
        yield* store.replace(two, undefined, -1, main.slice(0, 16))
        yield* store.replace(two, main[15]!.id, 15, other)
        assert.deepStrictEqual(yield* store.above(one, -1, 100), main)
        assert.isUndefined(yield* store.highest(one, ids(other)))
      })
    )
  })
