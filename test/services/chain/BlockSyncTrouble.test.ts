/** What keeps blocks from being applied: it is said, it ends, and it costs no more than a try now and then. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, type Scope } from "effect"
import { SqlError, UnknownError } from "effect/sql/SqlError"
import * as ChainBlocksMemory from "../../../src/layers/ChainBlocksMemory.ts"
import * as ChainHeadersMemory from "../../../src/layers/ChainHeadersMemory.ts"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import * as TransactionsMemory from "../../../src/layers/TransactionsMemory.ts"
import * as BodySchedule from "../../../src/protocol/chain/BodySchedule.ts"
import type { BlockStore } from "../../../src/services/chain/BlockStore.ts"
import type { HeaderStore } from "../../../src/services/chain/HeaderStore.ts"
import { BlockRefused, type Ledger } from "../../../src/services/chain/Ledger.ts"
import type { Transactions } from "../../../src/services/Transactions.ts"
import * as BlockLab from "../../support/BlockLab.ts"
import * as Toy from "../../support/ToyChain.ts"
import { pass } from "../../support/VirtualTime.ts"

const stores = Layer.mergeAll(ChainHeadersMemory.layer, ChainBlocksMemory.layer, TransactionsMemory.layer).pipe(
  Layer.provideMerge(MemoryDatabase.layer)
)
type Needs = BlockStore | HeaderStore | Transactions | Scope.Scope
const test = <E>(name: string, of: Effect.Effect<void, E, Needs>) =>
  it.effect(name, () => Effect.provide(of, Layer.fresh(stores)))

const main = Toy.chain(Toy.genesis, 3)
const branch = Toy.chain(main[0]!, 3, 1)

/** A ledger that fails for one block until it is mended; more often than a hundred times it hangs. */
const failing = (bad: string, failure: (height: number) => Effect.Effect<void, BlockRefused | SqlError>) => {
  const state = { calls: 0, isMended: false }
  const ledger: Ledger<Toy.ToyHeader> = {
    apply: ({ header, height }) =>
      Effect.suspend(() => {
        if (header.id !== bad || state.isMended) return Effect.void
        return ++state.calls > 100 ? Effect.never : failure(height)
      }),
    undo: () => Effect.void
  }
  return { ledger, state }
}

const refusal = (id: string) => (height: number) => Effect.fail(new BlockRefused({ height, id, reason: "too much" }))

describe("blocks that cannot be applied", () => {
  test(
    "stop the chain before a refused block of a better branch, which is said, and tried again now and then",
    Effect.gen(function* () {
      const bad = branch[1]!.id
      const { ledger, state } = failing(bad, refusal(bad))
      const lab = yield* BlockLab.live({ ledger })
      yield* lab.learn(main)
      yield* lab.feed(1)
      yield* lab.learn(branch)
      yield* lab.feed(1)
      assert.isAtMost(state.calls, 2)
      assert.include(lab.told, "Refused")
      assert.deepInclude(lab.sync.status().refused, { id: bad, reason: "too much" })
      assert.strictEqual(lab.sync.applied().id, main.at(-1)!.id)
      state.isMended = true
      yield* pass("31 seconds")
      assert.strictEqual(lab.sync.applied().id, branch.at(-1)!.id)
    })
  )

  for (const [what, failure] of [
    ["a database that fails for good", () => Effect.fail(broken)],
    ["a defect of the program", () => Effect.die(new Error("a bug"))]
  ] as const) {
    test(
      `are tried again now and then after ${what}`,
      Effect.gen(function* () {
        const { ledger, state } = failing(main[2]!.id, failure)
        const lab = yield* BlockLab.live({ ledger })
        yield* lab.learn(main)
        yield* lab.feed(1)
        assert.isAtMost(state.calls, 2)
        state.isMended = true
        yield* pass("1 minute")
        assert.strictEqual(lab.sync.applied().height, 3)
      })
    )
  }
})

const broken = new SqlError({ reason: new UnknownError({ cause: new Error("duplicate key"), message: "broken" }) })

describe("a better branch", () => {
  test(
    "of more bytes than may be held is gone over to in parts",
    Effect.gen(function* () {
      const policy = { ...BodySchedule.defaults, mostBytes: 1_000, chunk: { least: 1, most: 4, bytes: 100 } }
      const lab = yield* BlockLab.live({ policy })
      const long = Toy.chain(Toy.genesis, 20)
      const longer = Toy.chain(long[0]!, 25, 1)
      yield* lab.learn(long)
      yield* lab.feed(100)
      assert.strictEqual(lab.sync.applied().height, 20)
      yield* lab.learn(longer)
      yield* lab.feed(100)
      assert.strictEqual(lab.sync.applied().id, longer.at(-1)!.id)
    })
  )
})
