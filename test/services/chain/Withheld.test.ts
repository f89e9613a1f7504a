/** A header whose body nobody gives does not stop a chain. */
import { assert, describe, it } from "@effect/vitest"
import { type Duration, Effect } from "effect"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import * as ChainNode from "../../support/ChainNode.ts"
import { pass, settle } from "../../support/VirtualTime.ts"

const settings = ChainNode.open
/** Too large to come with the word of it. */
const large = new Uint8Array(70_000)

/** A node that has heard of a block of another one, which is gone before it could give it. */
const begin = Effect.gen(function* () {
  const network = new MemoryNetwork()
  const databases = [yield* MemoryDatabase.make, yield* MemoryDatabase.make] as const
  const one = yield* ChainNode.start({ network, seed: 1, settings, database: databases[0] })
  yield* one.produce(3)
  yield* Effect.scoped(
    Effect.gen(function* () {
      const other = yield* ChainNode.start({ network, seed: 2, settings, database: databases[1], withholds: true })
      yield* other.connect(one)
      yield* ChainNode.agree(one.chain.tip().id, other)
      yield* other.chain.submit(large)
      yield* other.chain.produce
      yield* settle
    })
  )
  return { network, databases, one }
})

describe("a block that nobody gives", () => {
  it.effect("is waited for a minute; then the chain goes on behind the one before", () =>
    Effect.gen(function* () {
      const { one } = yield* begin
      const standing = one.chain.status()
      assert.deepStrictEqual([standing.tip.height, standing.best.height, standing.behind], [3, 4, 1])
      assert.strictEqual((yield* Effect.exit(one.chain.produce))._tag, "Failure")
      yield* pass("70 seconds")
      const { behind, best } = one.chain.status()
      assert.deepStrictEqual([best.height, behind], [3, 0])
      assert.strictEqual((yield* one.chain.produce).height, 4)
    })
  )

  it.effect("is taken up again when somebody comes who has it", () =>
    Effect.gen(function* () {
      const { databases, network, one } = yield* begin
      yield* pass("70 seconds")
      assert.strictEqual(one.chain.status().best.height, 3)
      const other = yield* ChainNode.start({ network, seed: 2, settings, database: databases[1] })
      yield* other.produce(1)
      yield* other.connect(one)
      yield* ChainNode.agree(other.chain.tip().id, one)
      assert.deepStrictEqual(one.chain.tip(), other.chain.tip())
      assert.strictEqual(one.chain.tip().height, 5)
    })
  )

  it.effect("that one peer says to have and does not give is asked of the next who says so, at once", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const database = yield* MemoryDatabase.make
      const one = yield* ChainNode.start({ network, seed: 1, settings })
      yield* one.produce(3)
      const miser = yield* ChainNode.start({ network, seed: 2, settings, database, withholds: true })
      yield* miser.connect(one)
      yield* ChainNode.agree(one.chain.tip().id, miser)
      yield* miser.chain.submit(large)
      yield* miser.chain.produce
      yield* pass("6 minutes")
      assert.deepStrictEqual([one.chain.status().best.height, miser.chain.tip().height], [3, 4])
      const other = yield* ChainNode.start({ network, seed: 3, settings, database })
      yield* other.connect(one)
      yield* pass("10 seconds")
      assert.deepStrictEqual(one.chain.tip(), miser.chain.tip())
    })
  )

  /** What is the best header of a node after a while with one that has told of block 4 and does not give it. */
  const beside = Effect.fnUntraced(function* (
    {
      database,
      network,
      one
    }: { readonly one: ChainNode.ChainNode } & Required<Pick<ChainNode.Options, "network" | "database">>,
    duration: Duration.Input
  ) {
    const miser = yield* ChainNode.start({ network, seed: 2, settings, database, withholds: true })
    yield* miser.connect(one)
    yield* pass(duration)
    return one.chain.status().best.height
  }, Effect.scoped)

  /** The same, with the headers of both alike up to block 3, and that told of in a session of six minutes. */
  const inVain = Effect.gen(function* () {
    const network = new MemoryNetwork()
    const database = yield* MemoryDatabase.make
    const one = yield* ChainNode.start({ network, seed: 1, settings })
    yield* one.produce(3)
    yield* Effect.scoped(
      Effect.gen(function* () {
        const miser = yield* ChainNode.start({ network, seed: 2, settings, database, withholds: true })
        yield* miser.connect(one)
        yield* ChainNode.agree(one.chain.tip().id, miser)
        yield* miser.chain.submit(large)
        yield* miser.chain.produce
        yield* pass("6 minutes")
      })
    )
    assert.strictEqual(one.chain.status().best.height, 3)
    return { network, database, one }
  })

  it.effect("is asked once more of who comes with another session", () =>
    Effect.gen(function* () {
      const { database, network, one } = yield* inVain
      const other = yield* ChainNode.start({ network, seed: 2, settings, database })
      yield* other.connect(one)
      yield* pass("10 seconds")
      assert.deepStrictEqual([one.chain.tip(), one.chain.tip().height], [other.chain.tip(), 4])
    })
  )

  it.effect("is not asked again and again of who comes with one session after the other, for ten minutes", () =>
    Effect.gen(function* () {
      const vain = yield* inVain
      assert.strictEqual(yield* beside(vain, "10 seconds"), 4)
      assert.strictEqual(yield* beside(vain, "6 minutes"), 3)
      for (let session = 0; session < 3; session++) assert.strictEqual(yield* beside(vain, "1 minute"), 3)
      yield* pass("7 minutes")
      assert.strictEqual(yield* beside(vain, "10 seconds"), 4)
    })
  )
})
