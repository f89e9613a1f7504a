import { assert, describe, it } from "@effect/vitest"
import { Effect, FiberSet, Layer, type Scope } from "effect"
import { TestClock } from "effect/testing"
import * as ChainHeadersMemory from "../../../src/layers/ChainHeadersMemory.ts"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import * as TransactionsMemory from "../../../src/layers/TransactionsMemory.ts"
import * as HeaderChain from "../../../src/services/chain/HeaderChain.ts"
import { HeaderStore } from "../../../src/services/chain/HeaderStore.ts"
import * as HeaderSync from "../../../src/services/chain/HeaderSync.ts"
import { Alarms } from "../../../src/services/link/Alarms.ts"
import { Transactions } from "../../../src/services/Transactions.ts"
import * as Toy from "../../support/ToyChain.ts"

const stores = Layer.mergeAll(ChainHeadersMemory.layer, TransactionsMemory.layer).pipe(
  Layer.provideMerge(MemoryDatabase.layer)
)
const headers = Toy.chain(Toy.genesis, 60)

/** A chain that begins with these, and what it says to peers that a test plays. */
const start = Effect.fnUntraced(function* (known = 0, isRecent = true) {
  const chain = yield* HeaderChain.make(Toy.rules())
  const store = yield* HeaderStore
  yield* store.replace("toy", Toy.genesis.id, 0, Toy.stored(headers.slice(0, known), 1))
  const again = known === 0 ? chain : yield* HeaderChain.make(Toy.rules())
  const told: Array<string> = []
  const sync = yield* HeaderSync.make<Toy.ToyHeader, Toy.ToyFault>({
    chain: again,
    alarms: yield* Alarms.make,
    fork: yield* FiberSet.makeRuntime<never, void>(),
    isRecent: () => isRecent,
    changed: ({ fork, joined, left, tip }, source) =>
      told.push(`tip ${tip.height} above ${fork}, ${left} left, ${joined.length} joined, of ${source}`),
    passedOver: ({ id }) => told.push(`passed over ${id}`)
  })
  /** Joins as a peer; what it is asked with comes first in `told`. */
  const join = (id: number, isChosen = false) =>
    Effect.andThen(
      Effect.sync(() =>
        sync.joined({
          id,
          remote: `peer ${id}`,
          isChosen,
          ask: ([first]) => Effect.sync(() => void told.push(`ask ${id} after ${heightOf(first)}`)),
          charge: (fault) => told.push(`charge ${id} with ${fault}`)
        })
      ),
      settle
    )
  const say = (id: number, all: ReadonlyArray<Toy.ToyHeader>) =>
    Effect.andThen(sync.heard(id, all) ?? Effect.die(new Error(`nobody is ${id}`)), settle)
  /** What has happened since it was asked last. */
  const happened = () => told.splice(0)
  return { chain: again, sync, join, say, happened, store }
})

const settle = TestClock.adjust(1)
const heightOf = (id: string | undefined) => headers.findIndex((header) => header.id === id) + 1

const test = <E>(name: string, body: Effect.Effect<void, E, HeaderStore | Transactions | Scope.Scope>) =>
  it.effect(name, () => Effect.provide(body, Layer.fresh(stores)))

describe("the headers of any chain", () => {
  test(
    "are asked of all peers where the best one is recent, page by page, and of one at a time where it is not",
    Effect.gen(function* () {
      const all = yield* start()
      yield* all.join(1)
      yield* all.join(2)
      assert.deepStrictEqual(all.happened(), ["ask 1 after 0", "ask 2 after 0"])
      yield* all.say(1, headers.slice(0, 20))
      yield* all.say(1, headers.slice(20, 25))
      assert.deepStrictEqual(all.happened(), [
        "ask 1 after 20",
        "tip 20 above 0, 0 left, 20 joined, of 1",
        "tip 25 above 20, 0 left, 5 joined, of 1"
      ])
      all.sync.hasNothing(2)
      assert.isFalse(all.sync.isAsking())
    })
  )

  test(
    "are news and no fault where a few follow none that is known, and a fault where many do",
    Effect.gen(function* () {
      const one = yield* start()
      yield* one.join(1)
      one.sync.hasNothing(1)
      one.happened()
      yield* one.say(1, headers.slice(20, 27))
      assert.deepStrictEqual(one.happened(), ["ask 1 after 0"])
      yield* one.say(1, headers.slice(20, 28))
      assert.deepStrictEqual(one.happened(), ["charge 1 with unconnected"])
    })
  )

  test(
    "are asked of one peer at a time where the best one is old, the chosen first, and of another when that is silent",
    Effect.gen(function* () {
      const one = yield* start(3, false)
      yield* one.join(1)
      yield* one.join(2, true)
      yield* one.join(3)
      assert.deepStrictEqual(one.happened(), ["ask 1 after 2"])
      yield* TestClock.adjust("2500 millis")
      assert.deepStrictEqual(one.happened(), ["ask 2 after 2"])
      one.sync.left(2)
      yield* settle
      assert.deepStrictEqual(one.happened(), ["ask 3 after 2"])
      yield* TestClock.adjust("27500 millis")
      assert.deepStrictEqual(one.happened().slice(0, 1), ["passed over 1"])
    })
  )

  test(
    "cost a peer that gives what may not be",
    Effect.gen(function* () {
      const { happened, join, say } = yield* start()
      yield* join(1)
      happened()
      yield* say(1, [headers[0]!, headers[2]!])
      yield* say(1, headers.slice(30, 39))
      yield* say(1, Toy.chain(Toy.genesis, 1, 0, 0))
      const charged = happened().filter((line) => line.startsWith("charge"))
      assert.deepStrictEqual(charged, ["charge 1 with broken", "charge 1 with unconnected", "charge 1 with weightless"])
    })
  )

  test(
    "say how far a peer is known to have them, which a branch takes back",
    Effect.gen(function* () {
      const { join, say, sync } = yield* start(10)
      assert.strictEqual(sync.heightOf(1), -1)
      yield* join(1)
      yield* join(2)
      yield* join(3)
      assert.strictEqual(sync.heightOf(1), 0)
      yield* say(1, headers.slice(8, 12))
      yield* sync.asked(2, { locator: [headers[7]!.id] })
      sync.knows(3, 6)
      sync.knows(3, 5)
      assert.deepStrictEqual([1, 2, 3].map(sync.heightOf), [12, 12, 6])
      yield* say(3, Toy.chain(headers[7]!, 6, 1))
      assert.deepStrictEqual([1, 2, 3].map(sync.heightOf), [8, 8, 14])
    })
  )

  test(
    "are extended by this node's own, of which is told once its transaction has committed",
    Effect.gen(function* () {
      const { within } = yield* Transactions
      const { chain, happened, join, sync } = yield* start(4)
      yield* join(1)
      happened()
      const inside = sync.extending((extend) =>
        within(
          Effect.andThen(
            extend(headers[4]!),
            Effect.sync(() => happened())
          )
        )
      )
      assert.deepStrictEqual(yield* inside, [])
      assert.deepStrictEqual(happened(), ["tip 5 above 4, 0 left, 1 joined, of undefined"])
      assert.strictEqual(chain.best().header.id, headers[4]!.id)
      assert.strictEqual(sync.heightOf(1), 0)
    })
  )

  test(
    "are read again where another process was first",
    Effect.gen(function* () {
      const { within } = yield* Transactions
      const { chain, happened, store, sync } = yield* start(4)
      yield* store.replace("toy", headers[3]!.id, 4, Toy.stored(headers.slice(4, 6), 5))
      const late = sync.extending((extend) => within(extend(Toy.chain(headers[3]!, 1, 1)[0]!)))
      assert.strictEqual((yield* Effect.flip(late))._tag, "ChainMoved")
      assert.deepStrictEqual(happened(), ["tip 6 above 4, 0 left, 0 joined, of undefined"])
      yield* sync.extending((extend) => within(extend(headers[6]!)))
      assert.strictEqual(chain.best().height, 7)
    })
  )
})
