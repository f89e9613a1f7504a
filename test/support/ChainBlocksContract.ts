/**
 * What every store of applied blocks does.
 */
import { assert, layer } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, type Layer } from "effect"
import { createHash } from "node:crypto"
import { BlockStore, type KeptBlock, type StoredBlock } from "../../src/services/chain/BlockStore.ts"
import { Transactions } from "../../src/services/Transactions.ts"
import { Reopen, type Stores } from "./Stores.ts"

let chains = 0
/** One that no other test uses. */
const fresh = () => `chain-${chains++}`

const absent = "ab".repeat(32)
const plenty = 100_000_000

const hash = (of: string | Uint8Array): Buffer => createHash("sha256").update(of).digest()

/** A block of a branch; its body has so many bytes, and no two are the same unless they are empty. */
const block = (height: number, branch: string, size = 20 + height): StoredBlock => ({
  id: hash(`${branch} ${height}`).toString("hex"),
  height,
  header: new Uint8Array(hash(`header ${branch} ${height}`).subarray(0, 1 + (height % 32))),
  body: new Uint8Array(size).map((_, at) => (at * 7 + height * 31 + branch.length) % 256)
})

const run = (from: number, to: number, branch = "main"): ReadonlyArray<StoredBlock> =>
  Array.from({ length: to - from + 1 }, (_, at) => block(from + at, branch))

const main = run(0, 20)
const other = run(16, 23, "other")
const idOf = (height: number): string => main[height]!.id
const tipOf = ({ height, id }: StoredBlock) => ({ id, height })
const bytesOf = (blocks: ReadonlyArray<StoredBlock>) => blocks.reduce((sum, { body }) => sum + body.length, 0)
const idsOf = (blocks: ReadonlyArray<StoredBlock>) => blocks.map(({ id }) => id)

/** What is as quick to compare for a mebibyte as for a byte. */
const brief = (blocks: ReadonlyArray<KeptBlock>) =>
  blocks.map(({ body, ...rest }) => ({ ...rest, size: body?.length, body: body && hash(body) }))

/** The whole of a chain, in every way in which it can be read. */
const everything = Effect.fnUntraced(function* (chain: string) {
  const store = yield* BlockStore
  return {
    tip: yield* store.tip(chain),
    blocks: yield* store.above(chain, -1, 100, plenty),
    ids: yield* store.ids(
      chain,
      Array.from({ length: 100 }, (_, height) => height)
    ),
    bodies: yield* store.bodies(chain, idsOf([...main, ...other]), plenty)
  }
})

/** A chain that has the main blocks. */
const grown = Effect.fnUntraced(function* (blocks: ReadonlyArray<StoredBlock> = main) {
  const store = yield* BlockStore
  const chain = fresh()
  assert.isTrue(yield* store.replace(chain, undefined, -1, blocks))
  return { chain, store }
})

const reads = (name: string, stores: Layer.Layer<Stores | Reopen>) =>
  layer(stores)(`reading a store of blocks in ${name}`, (it) => {
    it.effect("keeps blocks in the order of their heights, over a restart", () =>
      Effect.gen(function* () {
        const { chain, store } = yield* grown(main.slice(0, 8))
        assert.deepStrictEqual(yield* store.tip(chain), tipOf(main[7]!))
        assert.isTrue(yield* store.replace(chain, idOf(7), 7, main.slice(8)))
        const { reopen } = yield* Reopen
        const again = yield* Effect.provide(BlockStore, yield* reopen)
        assert.deepStrictEqual(yield* again.tip(chain), tipOf(main[20]!))
        assert.deepStrictEqual(yield* again.above(chain, -1, 100, plenty), main)
        assert.deepStrictEqual(yield* again.above(chain, 4, 3, plenty), main.slice(5, 8))
        assert.deepStrictEqual(yield* again.above(chain, 20, 3, plenty), [])
        assert.deepStrictEqual(yield* again.above(chain, 4, 0, plenty), [])
      })
    )

    it.effect("has nothing of a chain that it does not know", () =>
      Effect.gen(function* () {
        const store = yield* BlockStore
        const chain = fresh()
        assert.isUndefined(yield* store.tip(chain))
        assert.deepStrictEqual(yield* store.above(chain, -1, 10, plenty), [])
        assert.deepStrictEqual(yield* store.bodies(chain, [absent], plenty), [undefined])
        assert.deepStrictEqual(yield* store.ids(chain, [0, 1]), [])
        assert.strictEqual(yield* store.prune(chain, 100, 100), 0)
      })
    )

    it.effect("ends before there are too many bytes, but not before the first block", () =>
      Effect.gen(function* () {
        const { chain, store } = yield* grown()
        const four = bytesOf(main.slice(3, 7))
        assert.deepStrictEqual(yield* store.above(chain, 2, 100, four), main.slice(3, 7))
        assert.deepStrictEqual(yield* store.above(chain, 2, 100, four - 1), main.slice(3, 6))
        assert.deepStrictEqual(yield* store.above(chain, 2, 100, 0), main.slice(3, 4))
        assert.deepStrictEqual(yield* store.above(chain, 2, 2, four), main.slice(3, 5))
      })
    )

    it.effect("gives bodies in the order of the ids, with nothing for those that it does not have", () =>
      Effect.gen(function* () {
        const { chain, store } = yield* grown()
        const [a, b, c] = [main[9]!, main[3]!, main[20]!]
        const found = yield* store.bodies(chain, [absent, a.id, b.id, absent, c.id, b.id], plenty)
        assert.deepStrictEqual(found, [undefined, a.body, b.body, undefined, c.body, b.body])
        assert.deepStrictEqual(yield* store.bodies(chain, [], plenty), [])
      })
    )

    it.effect("ends bodies before there are too many bytes, but not before the first one", () =>
      Effect.gen(function* () {
        const { chain, store } = yield* grown()
        const [a, b, c] = [main[9]!, main[3]!, main[20]!]
        const asked = [absent, a.id, absent, b.id, c.id, absent]
        const two = bytesOf([a, b])
        assert.deepStrictEqual(yield* store.bodies(chain, asked, two), [undefined, a.body, undefined, b.body])
        assert.deepStrictEqual(yield* store.bodies(chain, asked, two - 1), [undefined, a.body, undefined])
        assert.deepStrictEqual(yield* store.bodies(chain, asked, 0), [undefined, a.body, undefined])
      })
    )

    it.effect("finds ids by heights, the highest first", () =>
      Effect.gen(function* () {
        const { chain, store } = yield* grown()
        const found = yield* store.ids(chain, [0, 20, 21, 7, 7])
        assert.deepStrictEqual(found, [tipOf(main[20]!), tipOf(main[7]!), tipOf(main[0]!)])
        assert.deepStrictEqual(yield* store.ids(chain, []), [])
      })
    )

    it.effect("keeps bodies without a byte and bodies of a mebibyte, and more than one statement inserts", () =>
      Effect.gen(function* () {
        const large = 1024 * 1024
        const sizes = [0, large, 0, large, large, large, 1, large, 0]
        const blocks = [
          ...sizes.map((size, height) => block(height, "large", size)),
          ...Array.from({ length: 600 }, (_, at) => block(sizes.length + at, "large", 3))
        ]
        const { chain, store } = yield* grown(blocks)
        const above = (height: number, mostBytes: number) =>
          Effect.map(store.above(chain, height, 1_000, mostBytes), brief)
        assert.deepStrictEqual(yield* above(-1, plenty), brief(blocks))
        assert.deepStrictEqual(yield* above(-1, large), brief(blocks.slice(0, 3)))
        assert.deepStrictEqual(yield* above(0, large - 1), brief(blocks.slice(1, 2)))
        const bodies = yield* store.bodies(chain, idsOf(blocks.slice(0, 9)), plenty)
        assert.deepStrictEqual(
          bodies.map((body) => body?.length),
          sizes
        )
      })
    )

    it.effect("keeps its blocks when the caller writes over the bytes that it has given", () =>
      Effect.gen(function* () {
        const given = block(0, "mine", 9)
        const { chain, store } = yield* grown([given])
        given.body.fill(0)
        given.header.fill(0)
        assert.deepStrictEqual(yield* store.above(chain, -1, 1, plenty), [block(0, "mine", 9)])
      })
    )
  })

const replaces = (name: string, stores: Layer.Layer<Stores | Reopen>) =>
  layer(stores)(`replacing in a store of blocks in ${name}`, (it) => {
    it.effect("takes another branch in the place of the blocks above the fork", () =>
      Effect.gen(function* () {
        const { chain, store } = yield* grown()
        assert.isTrue(yield* store.replace(chain, idOf(20), 15, other))
        assert.deepStrictEqual(yield* store.tip(chain), tipOf(other.at(-1)!))
        assert.deepStrictEqual(yield* store.above(chain, 13, 100, plenty), [...main.slice(14, 16), ...other])
        const gone = yield* store.bodies(chain, idsOf(main.slice(16)), plenty)
        assert.isTrue(gone.every((body) => body === undefined))
        assert.isTrue(yield* store.replace(chain, other.at(-1)!.id, 15, main.slice(16, 18)), "a shorter one")
        assert.deepStrictEqual(yield* store.above(chain, -1, 100, plenty), main.slice(0, 18))
        assert.deepStrictEqual(yield* store.tip(chain), tipOf(main[17]!))
      })
    )

    it.effect("goes back to the fork, or to nothing, where no blocks are given", () =>
      Effect.gen(function* () {
        const { chain, store } = yield* grown()
        assert.isTrue(yield* store.replace(chain, idOf(20), 20, []))
        assert.deepStrictEqual(yield* store.tip(chain), tipOf(main[20]!))
        assert.isTrue(yield* store.replace(chain, idOf(20), 15, []))
        assert.deepStrictEqual(yield* store.tip(chain), tipOf(main[15]!))
        assert.deepStrictEqual(yield* store.above(chain, -1, 100, plenty), main.slice(0, 16))
        assert.isTrue(yield* store.replace(chain, idOf(15), 15, other))
        assert.isTrue(yield* store.replace(chain, other.at(-1)!.id, -1, []))
        assert.deepStrictEqual(yield* everything(chain), yield* everything(fresh()))
        assert.isTrue(yield* store.replace(chain, undefined, -1, []))
        assert.isTrue(yield* store.replace(chain, undefined, -1, main))
        assert.deepStrictEqual(yield* store.above(chain, -1, 100, plenty), main)
      })
    )

    it.effect("changes nothing when another block is the tip", () =>
      Effect.gen(function* () {
        const { chain, store } = yield* grown()
        const before = yield* everything(chain)
        for (const tip of [undefined, absent, idOf(19)]) {
          assert.isFalse(yield* store.replace(chain, tip, 15, other))
          assert.isFalse(yield* store.replace(chain, tip, -1, main.slice(0, 3)))
          assert.isFalse(yield* store.replace(chain, tip, 20, []))
        }
        assert.deepStrictEqual(yield* everything(chain), before)
        const unknown = fresh()
        assert.isFalse(yield* store.replace(unknown, absent, 3, main.slice(4)))
        assert.isFalse(yield* store.replace(unknown, absent, -1, []))
        assert.deepStrictEqual(yield* everything(unknown), yield* everything(fresh()))
      })
    )

    it.effect("says yes a second time, and changes nothing, for what it has done already", () =>
      Effect.gen(function* () {
        const { chain, store } = yield* grown()
        assert.isTrue(yield* store.replace(chain, undefined, -1, main))
        assert.isTrue(yield* store.replace(chain, idOf(20), 15, other))
        const before = yield* everything(chain)
        assert.isTrue(yield* store.replace(chain, idOf(20), 15, other), "its commit was not heard of")
        assert.isFalse(yield* store.replace(chain, idOf(20), 15, other.slice(0, 3)))
        assert.deepStrictEqual(yield* everything(chain), before)
      })
    )

    it.effect("is part of the transaction that is open, and goes back with it", () =>
      Effect.gen(function* () {
        const { within } = yield* Transactions
        const { chain, store } = yield* grown()
        const before = yield* everything(chain)
        const begun = fresh()
        const exit = yield* Effect.gen(function* () {
          assert.isTrue(yield* store.replace(chain, idOf(20), 15, other))
          assert.isTrue(yield* store.replace(begun, undefined, -1, main))
          assert.strictEqual(yield* store.prune(chain, 4, 100), 4)
          assert.deepStrictEqual(yield* store.tip(chain), tipOf(other.at(-1)!))
          return yield* Effect.fail("no")
        }).pipe(within, Effect.exit)
        assert.deepStrictEqual(exit, Exit.fail("no"))
        assert.deepStrictEqual(yield* everything(chain), before)
        assert.deepStrictEqual(yield* everything(begun), yield* everything(fresh()))
        yield* within(Effect.andThen(store.replace(chain, idOf(20), 15, other), store.prune(chain, 4, 100)))
        assert.deepStrictEqual(yield* store.tip(chain), tipOf(other.at(-1)!))
      })
    )

    it.effect("leaves other chains alone, also those with the same blocks", () =>
      Effect.gen(function* () {
        const [one, two] = [yield* grown(), yield* grown()]
        const before = yield* everything(two.chain)
        assert.isTrue(yield* one.store.replace(one.chain, idOf(20), 15, other))
        assert.strictEqual(yield* one.store.prune(one.chain, 10, 100), 10)
        assert.deepStrictEqual(yield* everything(two.chain), before)
        assert.isTrue(yield* one.store.replace(one.chain, other.at(-1)!.id, -1, []))
        assert.deepStrictEqual(yield* everything(two.chain), before)
      })
    )

    it.effect("lets one of two that come at once be first, and the other one know", () =>
      Effect.gen(function* () {
        const { within } = yield* Transactions
        const store = yield* BlockStore
        const chain = fresh()
        const race = Effect.fnUntraced(function* (tip: string | undefined, above: number, second: typeof main) {
          const first = main.slice(above + 1, above + 6)
          const done = yield* Deferred.make<void>()
          const go = yield* Deferred.make<void>()
          const holder = yield* Effect.gen(function* () {
            const isFirst = yield* store.replace(chain, tip, above, first)
            yield* Deferred.succeed(done, undefined)
            yield* Deferred.await(go)
            return isFirst
          }).pipe(within, Effect.forkChild)
          yield* Deferred.await(done)
          const late = yield* Effect.forkChild(store.replace(chain, tip, above, second), { startImmediately: true })
          yield* Deferred.succeed(go, undefined)
          assert.isTrue(yield* Fiber.join(holder))
          return yield* Fiber.join(late)
        })
        assert.isFalse(yield* race(undefined, -1, run(0, 7, "other")))
        assert.isTrue(yield* race(idOf(4), 4, main.slice(5, 10)), "the same blocks")
        assert.isFalse(yield* race(idOf(9), 9, run(10, 12, "other")))
        assert.deepStrictEqual(yield* store.above(chain, -1, 100, plenty), main.slice(0, 15))
      })
    )

    it.effect("dies of blocks that do not follow the height above which they are to be", () =>
      Effect.gen(function* () {
        const { chain, store } = yield* grown()
        const before = yield* everything(chain)
        const next = block(21, "main")
        const wrong: ReadonlyArray<readonly [number, ReadonlyArray<StoredBlock>, string]> = [
          [21, [block(22, "main")], "nothing follows the height 21 of a chain whose tip is at 20"],
          [-2, [], "nothing follows the height -2"],
          [20, [block(22, "main")], "the block at 21 says that it is at 22"],
          [20, [next, next], "the block at 22 says that it is at 21"],
          [20, [{ ...next, id: next.id.toUpperCase() }], "the block at 21 has no id"],
          [20, [{ ...next, header: new Uint8Array(257) }], "the header at 21 has 257 bytes"],
          [20, [{ ...next, header: new Uint8Array(0) }], "the header at 21 has 0 bytes"]
        ]
        for (const [above, blocks, problem] of wrong) {
          const exit = yield* Effect.exit(store.replace(chain, idOf(20), above, blocks))
          assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
          assert.include(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "", problem)
        }
        assert.deepStrictEqual(yield* everything(chain), before)
      })
    )
  })

const pruned = (block: StoredBlock) => ({ ...block, body: undefined })

const prunes = (name: string, stores: Layer.Layer<Stores | Reopen>) =>
  layer(stores)(`pruning a store of blocks in ${name}`, (it) => {
    it.effect("takes bodies away from the lowest on, and leaves ids and headers", () =>
      Effect.gen(function* () {
        const { chain, store } = yield* grown()
        assert.strictEqual(yield* store.prune(chain, 6, 4), 4)
        assert.deepStrictEqual(yield* store.above(chain, -1, 100, plenty), [
          ...main.slice(0, 4).map(pruned),
          ...main.slice(4)
        ])
        assert.strictEqual(yield* store.prune(chain, 6, 4), 2)
        assert.strictEqual(yield* store.prune(chain, 6, 4), 0)
        assert.strictEqual(yield* store.prune(chain, 2, 4), 0)
        assert.strictEqual(yield* store.prune(chain, 9, 0), 0)
        const asked = idsOf([main[2]!, main[6]!, main[5]!])
        assert.deepStrictEqual(yield* store.bodies(chain, asked, plenty), [undefined, main[6]!.body, undefined])
        assert.deepStrictEqual(yield* store.ids(chain, [1, 6]), [tipOf(main[6]!), tipOf(main[1]!)])
        assert.deepStrictEqual(yield* store.tip(chain), tipOf(main[20]!))
      })
    )

    it.effect("goes on after a reorganisation that reached below what was pruned", () =>
      Effect.gen(function* () {
        const { chain, store } = yield* grown()
        assert.strictEqual(yield* store.prune(chain, 18, 100), 18)
        assert.isTrue(yield* store.replace(chain, idOf(20), 15, other))
        assert.deepStrictEqual(yield* store.above(chain, 15, 100, plenty), other)
        assert.deepStrictEqual(yield* store.above(chain, 14, 100, plenty), [pruned(main[15]!), ...other])
        assert.strictEqual(yield* store.prune(chain, 18, 100), 2)
        assert.deepStrictEqual(yield* store.above(chain, 17, 100, plenty), other.slice(2))
      })
    )

    it.effect("may take everything, and new blocks have their bodies", () =>
      Effect.gen(function* () {
        const { chain, store } = yield* grown(main.slice(0, 16))
        assert.strictEqual(yield* store.prune(chain, 1_000, 1_000), 16)
        assert.deepStrictEqual(yield* store.tip(chain), tipOf(main[15]!))
        assert.isTrue(yield* store.replace(chain, idOf(15), 15, main.slice(16)))
        assert.deepStrictEqual(yield* store.above(chain, 15, 100, plenty), main.slice(16))
        assert.strictEqual(yield* store.prune(chain, 17, 1_000), 1)
        const { reopen } = yield* Reopen
        const again = yield* Effect.provide(BlockStore, yield* reopen)
        assert.strictEqual(yield* again.prune(chain, 17, 1_000), 0)
        assert.isTrue(yield* again.replace(chain, idOf(20), -1, []))
        assert.isTrue(yield* again.replace(chain, undefined, -1, main))
        assert.deepStrictEqual(yield* again.above(chain, -1, 100, plenty), main)
      })
    )
  })

export const keeps = (name: string, stores: Layer.Layer<Stores | Reopen>): void => {
  reads(name, stores)
  replaces(name, stores)
  prunes(name, stores)
}
