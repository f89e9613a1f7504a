/**
 * What every store of Bitcoin headers does.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import type { BlockHeader } from "../../src/protocol/bitcoin/BlockHeader.ts"
import type { Placed } from "../../src/protocol/chain/HeaderTree.ts"
import { HeaderStore } from "../../src/services/bitcoin/HeaderStore.ts"
import * as Miner from "./BitcoinMiner.ts"
import { networkNamed } from "./BitcoinVectors.ts"
import { Reopen, type Stores } from "./Stores.ts"

const network = networkNamed("bsv-regtest")
const main = [network.first, ...Miner.chain(network.first, 20, { network })]
const other = Miner.chain(main[15]!, 8, { network, branch: 1 })

let networks = 0
/** One that no other test uses. */
const fresh = () => `network-${networks++}`

/** More than 64 bits of work each. */
const each = 2n ** 70n + 1n
const placed = (headers: ReadonlyArray<BlockHeader>, from: number): ReadonlyArray<Placed<BlockHeader>> =>
  headers.map((header, at) => ({ header, height: from + at, weight: each * BigInt(from + at) }))

const ids = (headers: ReadonlyArray<BlockHeader>) => headers.map(({ id }) => id)
const absent = "ab".repeat(32)

export const keeps = (name: string, stores: Layer.Layer<Stores | Reopen>) =>
  layer(stores)(`a store of Bitcoin headers in ${name}`, (it) => {
    it.effect("keeps headers, their heights and their work, over a restart", () =>
      Effect.gen(function* () {
        const store = yield* HeaderStore
        const net = fresh()
        assert.deepStrictEqual(yield* store.tail(net, 10), [])
        assert.isTrue(yield* store.replace(net, undefined, -1, placed(main.slice(0, 8), 0)))
        assert.isTrue(yield* store.replace(net, main[7]!.id, 7, placed(main.slice(8), 8)))
        const { reopen } = yield* Reopen
        const again = yield* Effect.provide(HeaderStore, yield* reopen)
        assert.deepStrictEqual(yield* again.tail(net, 100), placed(main, 0))
        assert.deepStrictEqual(yield* again.tail(net, 3), placed(main.slice(18), 18))
        assert.deepStrictEqual(yield* again.tail(fresh(), 3), [])
      })
    )

    it.effect("finds heights by ids, ids by heights, and what comes after a height", () =>
      Effect.gen(function* () {
        const store = yield* HeaderStore
        const net = fresh()
        yield* store.replace(net, undefined, -1, placed(main, 0))
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
        yield* store.replace(net, undefined, -1, placed(main, 0))
        assert.isTrue(yield* store.replace(net, main[20]!.id, 15, placed(other, 16)))
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
        yield* store.replace(net, undefined, -1, placed(short, 0))
        assert.isFalse(yield* store.replace(net, undefined, -1, placed(main.slice(0, 3), 0)))
        assert.isTrue(yield* store.replace(net, short[9]!.id, 9, placed(long, 10)))
        assert.isTrue(yield* store.replace(net, short[9]!.id, 9, placed(long, 10)), "its commit was not heard of")
        assert.isFalse(yield* store.replace(net, short[9]!.id, 9, placed(main.slice(10, 12), 10)))
        assert.isFalse(yield* store.replace(net, absent, 15, placed(other, 16)))
        assert.deepStrictEqual(yield* store.above(net, -1, 100), main)
      })
    )
  })
