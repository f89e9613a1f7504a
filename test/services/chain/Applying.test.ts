/** What blocks cost that become part of a chain: round trips to the database, which the first blocks of a new node wait for. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import * as ChainBlocksMemory from "../../../src/layers/ChainBlocksMemory.ts"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import * as TransactionsMemory from "../../../src/layers/TransactionsMemory.ts"
import * as Applying from "../../../src/services/chain/Applying.ts"
import { BlockStore } from "../../../src/services/chain/BlockStore.ts"
import type { Ledger } from "../../../src/services/chain/Ledger.ts"
import { Transactions } from "../../../src/services/Transactions.ts"
import * as Toy from "../../support/ToyChain.ts"

const stores = Layer.merge(ChainBlocksMemory.layer, TransactionsMemory.layer).pipe(Layer.provide(MemoryDatabase.layer))
const rules = Toy.rules()
const held = Toy.chain(Toy.genesis, 2).map((header, at) => ({ header, height: at + 1, body: Uint8Array.of(at) }))
const first = { id: Toy.genesis.id, height: 0 }
const last = { id: held[1]!.header.id, height: 2 }

/** Stores that write down what they are asked. */
const counted = Effect.gen(function* () {
  const context = yield* Layer.build(Layer.fresh(stores))
  const [store, transactions] = [Context.get(context, BlockStore), Context.get(context, Transactions)]
  const asked: Array<string> = []
  const noted = <A, E, R>(what: string, effect: Effect.Effect<A, E, R>) =>
    Effect.suspend(() => {
      asked.push(what)
      return effect
    })
  return {
    asked,
    store,
    context: Context.make(BlockStore, {
      ...store,
      tip: (chain) => noted("tip", store.tip(chain)),
      replace: (...question) => noted("replace", store.replace(...question))
    }).pipe(
      Context.add(Transactions, {
        ...transactions,
        within: (effect) => noted("within", transactions.within(effect))
      })
    )
  }
})

describe("blocks that are applied", () => {
  it.effect("ask for the tip alone once there is one, and make the first block the tip before", () =>
    Effect.gen(function* () {
      const { asked, context, store } = yield* counted
      const applying = yield* Effect.provide(Applying.make(rules, undefined), context)
      assert.deepStrictEqual(yield* applying.tip, first)
      assert.deepStrictEqual(yield* store.tip(rules.name), first)
      asked.length = 0
      assert.deepStrictEqual(yield* applying.tip, first)
      assert.deepStrictEqual(asked, ["tip"])
    })
  )

  it.effect("begin where another process has just begun", () =>
    Effect.gen(function* () {
      const { context, store } = yield* counted
      const other = yield* Effect.provide(Applying.make(rules, undefined), context)
      let hasRead = false
      const applying = yield* Effect.provide(
        Applying.make(rules, undefined),
        Context.add(context, BlockStore, {
          ...store,
          tip: (chain) =>
            Effect.suspend(() => {
              if (hasRead) return store.tip(chain)
              hasRead = true
              return Effect.undefined
            }),
          replace: (...question) =>
            Effect.gen(function* () {
              yield* other.tip
              yield* other.replace(first, 0, held)
              return yield* store.replace(...question)
            }).pipe(Effect.orDie)
        })
      )
      assert.deepStrictEqual(yield* applying.tip, last)
    })
  )

  it.effect("are one question to the store where no program has a say, also when their commit was unheard", () =>
    Effect.gen(function* () {
      const { asked, context, store } = yield* counted
      const applying = yield* Effect.provide(Applying.make(rules, undefined), context)
      yield* applying.tip
      asked.length = 0
      assert.isTrue(yield* applying.replace(first, 0, held))
      assert.deepStrictEqual(asked, ["replace"])
      assert.isTrue(yield* applying.replace(first, 0, held))
      assert.isFalse(yield* applying.replace(first, 0, held.slice(0, 1)))
      assert.deepStrictEqual(yield* store.tip(rules.name), last)
    })
  )

  it.effect("are told to a program once, in the transaction that stores them", () =>
    Effect.gen(function* () {
      const { asked, context } = yield* counted
      const open: Array<boolean> = []
      const { isOpen } = Context.get(context, Transactions)
      const ledger: Ledger<Toy.ToyHeader> = {
        apply: () => Effect.map(isOpen, (is) => void open.push(is)),
        undo: () => Effect.void
      }
      const applying = yield* Effect.provide(Applying.make(rules, ledger), context)
      yield* applying.tip
      asked.length = 0
      assert.isTrue(yield* applying.replace(first, 0, held))
      assert.deepStrictEqual(asked, ["within", "tip", "replace"])
      assert.isTrue(yield* applying.replace(first, 0, held))
      assert.deepStrictEqual(open, [true, true])
    })
  )
})
