import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Latch, Layer } from "effect"
import * as ChainHeadersMemory from "../../../src/layers/ChainHeadersMemory.ts"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import * as TransactionsMemory from "../../../src/layers/TransactionsMemory.ts"
import * as HeaderChain from "../../../src/services/chain/HeaderChain.ts"
import { HeaderStore } from "../../../src/services/chain/HeaderStore.ts"
import type { Change } from "../../../src/services/chain/HeaderTurn.ts"
import { Transactions } from "../../../src/services/Transactions.ts"
import * as Toy from "../../support/ToyChain.ts"

type Chain = HeaderChain.HeaderChain<Toy.ToyHeader, Toy.ToyFault>

const stores = Layer.mergeAll(ChainHeadersMemory.layer, TransactionsMemory.layer).pipe(
  Layer.provideMerge(MemoryDatabase.layer)
)

const headers = Toy.chain(Toy.genesis, 40)
const ids = (all: ReadonlyArray<{ readonly id: string }>) => all.map(({ id }) => id)
const heightsOf = ({ joined }: Change<Toy.ToyHeader>) => joined.map(({ height }) => height)

/** Takes and writes what follows what is known. */
const learn = (chain: Chain, all: ReadonlyArray<Toy.ToyHeader>) =>
  chain.alone(({ save, take }) =>
    Effect.gen(function* () {
      const from = chain.get(all[0]!.previous)
      assert.isDefined(from)
      const taken = yield* take(all, from!)
      return { taken, change: yield* save }
    })
  )

/** Writes a header of this node's own in a transaction; what has changed is in `changes` once it has committed. */
const produce = (chain: Chain, header: Toy.ToyHeader, changes: Array<Change<Toy.ToyHeader>> = []) =>
  Effect.gen(function* () {
    const { within } = yield* Transactions
    yield* chain.alone(({ extend }) => within(extend(header, (change) => changes.push(change))))
    return changes
  })

const test = <E>(name: string, body: Effect.Effect<void, E, HeaderStore | Transactions>) =>
  it.effect(name, () => Effect.provide(body, Layer.fresh(stores)))

describe("a chain of headers", () => {
  test(
    "begins with the first header, keeps the best branch, and reads it again",
    Effect.gen(function* () {
      const chain = yield* HeaderChain.make(Toy.rules())
      assert.strictEqual(chain.best().header.id, Toy.genesis.id)
      yield* learn(chain, headers.slice(0, 10))
      const better = Toy.chain(headers[4]!, 6, 1)
      const { change } = yield* learn(chain, better)
      assert.deepInclude(change, { fork: 5, left: 5 })
      assert.deepStrictEqual(heightsOf(change!), [6, 7, 8, 9, 10, 11])
      const again = yield* HeaderChain.make(Toy.rules())
      assert.deepInclude(again.best(), { height: 11, weight: 11n, header: better[5]! })
      assert.deepStrictEqual(yield* again.at(3), headers[2]!)
      assert.isUndefined(yield* again.at(12))
    })
  )

  test(
    "does not begin on the headers of another chain",
    Effect.gen(function* () {
      yield* HeaderChain.make(Toy.rules())
      const [stranger] = Toy.chain(Toy.genesis, 1)
      const error = yield* Effect.flip(HeaderChain.make(Toy.rules({ genesis: stranger! })))
      assert.include(String(error), "use another database")
    })
  )

  for (const [atOnce, isHeldUp] of [
    [2, false],
    [6, true]
  ] as const) {
    test(
      `lets other fibers run after every ${atOnce} headers that it checks`,
      Effect.gen(function* () {
        const seen: Array<string> = []
        const chain = yield* HeaderChain.make(Toy.rules({ atOnce }, () => seen.push("header")))
        const other = Effect.andThen(
          Effect.sync(() => seen.push("other")),
          Effect.yieldNow
        )
        const fiber = yield* Effect.forkChild(Effect.forever(other), { startImmediately: true })
        seen.length = 0
        yield* learn(chain, headers.slice(0, 6))
        yield* Fiber.interrupt(fiber)
        const checking = seen.slice(seen.indexOf("header"), seen.lastIndexOf("header"))
        assert.strictEqual(!checking.includes("other"), isHeldUp)
      })
    )
  }

  test(
    "stops at what may not come there",
    Effect.gen(function* () {
      const chain = yield* HeaderChain.make(Toy.rules())
      const [wrong] = Toy.chain(headers[2]!, 1, 0, 0)
      const { change, taken } = yield* learn(chain, [...headers.slice(0, 3), wrong!])
      assert.deepInclude(taken, { isNews: true, last: chain.best() })
      assert.strictEqual(taken.objection?.fault, "weightless")
      assert.strictEqual(change?.tip.height, 3)
    })
  )

  test(
    "answers whoever asks from the first id that it knows, at most a page",
    Effect.gen(function* () {
      const chain = yield* HeaderChain.make(Toy.rules())
      yield* learn(chain, headers)
      const answer = (locator: ReadonlyArray<string>, stop?: string) =>
        Effect.map(chain.answer(stop === undefined ? { locator } : { locator, stop }), ids)
      const unknown = "ab".repeat(32)
      assert.deepStrictEqual(yield* answer([unknown, headers[9]!.id]), ids(headers.slice(10, 30)))
      assert.deepStrictEqual(yield* answer([headers[9]!.id], headers[11]!.id), ids(headers.slice(10, 12)))
      assert.deepStrictEqual(yield* answer([unknown]), ids(headers.slice(0, 20)))
      assert.deepStrictEqual(yield* answer([headers[39]!.id]), [])
      assert.deepStrictEqual(yield* answer([], headers[6]!.id), [headers[6]!.id])
      assert.deepStrictEqual(yield* answer([]), [])
      const asked = yield* chain.locator(undefined)
      assert.deepStrictEqual(asked.slice(0, 2), [headers[38]!.id, headers[37]!.id])
      assert.strictEqual(asked.at(-1), Toy.genesis.id)
    })
  )
})

describe("a header of a node's own", () => {
  test(
    "is on the chain once the transaction has committed in which it was written, and not before",
    Effect.gen(function* () {
      const { within } = yield* Transactions
      const chain = yield* HeaderChain.make(Toy.rules())
      yield* learn(chain, headers.slice(0, 5))
      const changes: Array<Change<Toy.ToyHeader>> = []
      yield* chain.alone(({ extend }) =>
        within(
          Effect.gen(function* () {
            yield* extend(headers[5]!, (change) => changes.push(change))
            assert.strictEqual(chain.best().height, 5)
            assert.isUndefined(chain.get(headers[5]!.id))
            assert.deepStrictEqual(yield* chain.at(6), headers[5]!)
          })
        )
      )
      assert.deepStrictEqual(changes, [{ tip: chain.best(), fork: 5, left: 0, joined: [chain.best()] }])
      assert.deepInclude(chain.best(), { height: 6, weight: 6n, header: headers[5]! })
      yield* learn(chain, headers.slice(6, 8))
      assert.strictEqual(chain.best().height, 8)
    })
  )

  test(
    "goes back with its transaction",
    Effect.gen(function* () {
      const { within } = yield* Transactions
      const chain = yield* HeaderChain.make(Toy.rules())
      const failing = chain.alone(({ extend }) =>
        within(
          Effect.andThen(
            extend(headers[0]!, () => assert.fail("it has not committed")),
            Effect.fail("no block")
          )
        )
      )
      assert.strictEqual(yield* Effect.flip(failing), "no block")
      assert.strictEqual(chain.best().height, 0)
      assert.isUndefined(chain.get(headers[0]!.id))
      assert.lengthOf(yield* produce(chain, headers[0]!), 1)
      assert.strictEqual(chain.best().height, 1)
    })
  )

  test(
    "is not written where it may not come, or does not follow the best one",
    Effect.gen(function* () {
      const chain = yield* HeaderChain.make(Toy.rules())
      const [weightless] = Toy.chain(Toy.genesis, 1, 0, 0)
      const refused = yield* Effect.flip(produce(chain, weightless!))
      assert.include(String(refused), "weighs nothing")
      yield* learn(chain, headers.slice(0, 3))
      const moved = yield* Effect.flip(produce(chain, headers[2]!))
      assert.deepInclude(moved, { _tag: "ChainMoved", best: headers[2]!.id })
      assert.deepStrictEqual(yield* chain.at(4), undefined)
    })
  )

  test(
    "does not follow what another process has replaced, until that is read",
    Effect.gen(function* () {
      const store = yield* HeaderStore
      const chain = yield* HeaderChain.make(Toy.rules())
      yield* learn(chain, headers.slice(0, 5))
      const theirs = Toy.chain(headers[2]!, 4, 1)
      yield* store.replace("toy", headers[4]!.id, 3, Toy.stored(theirs, 4))
      assert.strictEqual((yield* Effect.flip(produce(chain, headers[5]!)))._tag, "ChainMoved")
      const change = yield* chain.alone(({ save }) => save)
      assert.deepInclude(change, { fork: 3, left: 0, joined: [] })
      assert.deepInclude(chain.best(), { height: 7, header: theirs[3]! })
      const [next] = Toy.chain(theirs[3]!, 1, 2)
      yield* produce(chain, next!)
      assert.strictEqual(chain.best().header.id, next!.id)
    })
  )

  test(
    "waits for whoever changes the chain, and never inside a transaction",
    Effect.gen(function* () {
      const { within } = yield* Transactions
      const chain = yield* HeaderChain.make(Toy.rules())
      const gate = Latch.makeUnsafe(false)
      const before = yield* Effect.forkChild(
        chain.alone(() => gate.await),
        { startImmediately: true }
      )
      const own = yield* Effect.forkChild(produce(chain, headers[0]!), { startImmediately: true })
      assert.strictEqual(chain.best().height, 0)
      assert.isFalse(yield* Effect.map(chain.at(1), (header) => header !== undefined))
      yield* gate.open
      yield* Fiber.join(before)
      yield* Fiber.join(own)
      assert.strictEqual(chain.best().height, 1)
      const wrong = yield* Effect.exit(within(chain.alone(() => Effect.void)))
      assert.isTrue(Exit.isFailure(wrong))
      assert.include(String(Exit.isFailure(wrong) ? wrong.cause : ""), "before a transaction")
    })
  )
})
