/** Blocks of a chain without any wire: what is wanted when the best chain changes at any moment, and of whom. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, type Scope } from "effect"
import { TestClock } from "effect/testing"
import * as ChainBlocksMemory from "../../../src/layers/ChainBlocksMemory.ts"
import * as ChainHeadersMemory from "../../../src/layers/ChainHeadersMemory.ts"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import * as TransactionsMemory from "../../../src/layers/TransactionsMemory.ts"
import type { BlockStore } from "../../../src/services/chain/BlockStore.ts"
import { HeaderStore } from "../../../src/services/chain/HeaderStore.ts"
import type { Transactions } from "../../../src/services/Transactions.ts"
import * as BlockLab from "../../support/BlockLab.ts"
import * as Toy from "../../support/ToyChain.ts"

const main = Toy.chain(Toy.genesis, 3)
/** Heavier than that from the height 2 on. */
const branch = Toy.chain(main[0]!, 3, 1)
/** Heavier than both. */
const third = Toy.chain(main[0]!, 4, 2)
const body = Uint8Array.of(0)

/** What happens right before the headers are read that come next. */
class BeforeReading extends Context.Service<BeforeReading, { run: Effect.Effect<void> }>()("test/BeforeReading") {}

const headers = Layer.effectContext(
  Effect.gen(function* () {
    const store = Context.get(yield* Layer.build(ChainHeadersMemory.layer), HeaderStore)
    const before: BeforeReading["Service"] = { run: Effect.void }
    const above: HeaderStore["Service"]["above"] = (...question) =>
      Effect.andThen(
        Effect.suspend(() => before.run),
        store.above(...question)
      )
    return Context.make(HeaderStore, { ...store, above }).pipe(Context.add(BeforeReading, before))
  })
)
const stores = Layer.mergeAll(headers, ChainBlocksMemory.layer, TransactionsMemory.layer).pipe(
  Layer.provideMerge(MemoryDatabase.layer)
)
type Needs = HeaderStore | BlockStore | Transactions | BeforeReading | Scope.Scope

const live = BlockLab.live()

/** A node that has the blocks of `main`. */
const start = Effect.gen(function* () {
  const { asked, learn, sync } = yield* live
  yield* learn(main)
  yield* settle
  for (const id of asked.splice(0)) sync.got(1, id, body)
  yield* settle
  assert.strictEqual(sync.applied().id, main.at(-1)!.id)
  return { sync, learn, asked }
})

const settle = TestClock.adjust(1)
const idsOf = (all: ReadonlyArray<Toy.ToyHeader>) => all.map(({ id }) => id)
const test = <E>(name: string, of: Effect.Effect<void, E, Needs>) =>
  it.effect(name, () => Effect.provide(of, Layer.fresh(stores)))

describe("the blocks of a chain", () => {
  test(
    "follow what is applied, also where another branch becomes the best one while the next headers are read",
    Effect.gen(function* () {
      const { asked, learn, sync } = yield* start
      const before = yield* BeforeReading
      before.run = Effect.suspend(() => {
        before.run = Effect.void
        return learn(third)
      })
      yield* learn(branch)
      yield* settle
      assert.deepStrictEqual(sync.applied(), { id: main.at(-1)!.id, height: 3 })
      for (const id of asked.splice(0)) sync.got(1, id, body)
      yield* settle
      assert.deepStrictEqual(sync.applied(), { id: third.at(-1)!.id, height: 5 })
    })
  )

  test(
    "are those behind the newest headers too, though what is applied is not among these",
    Effect.gen(function* () {
      const { feed, learn, sync } = yield* live
      const long = Toy.chain(Toy.genesis, 150)
      for (let at = 0; at < long.length; at += 30) yield* learn(long.slice(at, at + 30))
      yield* feed(1)
      assert.deepStrictEqual(sync.applied(), { id: long.at(-1)!.id, height: 150 })
    })
  )

  test(
    "are applied in one transaction where they have come together, though the first of them wakes who applies",
    Effect.gen(function* () {
      const { asked, learn, sync, told } = yield* live
      yield* learn(main)
      yield* settle
      for (const id of asked.splice(0)) sync.got(1, id, body)
      yield* settle
      assert.strictEqual(sync.applied().height, 3)
      assert.deepStrictEqual(told, ["Tip", "CaughtUp"])
    })
  )

  test(
    "are asked of a peer that has a branch which has just become the best one, whenever that was known of it",
    Effect.gen(function* () {
      const { asked, learn } = yield* start
      yield* learn(branch)
      yield* settle
      assert.deepStrictEqual(asked, idsOf(branch))
    })
  )

  test(
    "stay after a restart until all of the better branch is here, whose weight cannot be compared with theirs any more",
    Effect.gen(function* () {
      const { learn } = yield* start
      yield* learn(branch)
      const { asked, sync } = yield* live
      yield* settle
      assert.deepStrictEqual(asked, idsOf(branch))
      for (const { id } of branch.slice(0, 2)) sync.got(1, id, body)
      yield* settle
      assert.strictEqual(sync.applied().id, main.at(-1)!.id)
      sync.got(1, branch.at(-1)!.id, body)
      yield* settle
      assert.strictEqual(sync.applied().id, branch.at(-1)!.id)
    })
  )
})
