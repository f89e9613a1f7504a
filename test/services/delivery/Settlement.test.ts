import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import { Delivery } from "../../../src/services/delivery/Delivery.ts"
import { Feed } from "../../../src/services/delivery/Feed.ts"
import * as Protocol from "../../../src/services/delivery/Protocol.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import { Transactions } from "../../../src/services/Transactions.ts"
import * as DeliveryNode from "../../support/DeliveryNode.ts"
import * as SessionPair from "../../support/SessionPair.ts"

const settle = Effect.gen(function* () {
  for (let round = 0; round < 400; round++) yield* TestClock.adjust(10)
})

const connected = Effect.fnUntraced(function* (a: DeliveryNode.DeliveryNode, b: DeliveryNode.DeliveryNode) {
  const pair = yield* SessionPair.make(DeliveryNode.keyOf(a), DeliveryNode.keyOf(b))
  const fibers = [yield* Effect.forkChild(a.run(pair.left)), yield* Effect.forkChild(b.run(pair.right))]
  yield* settle
  yield* Fiber.interruptAll(fibers)
})

const kinds = (node: DeliveryNode.DeliveryNode) =>
  Effect.map(Context.get(node.context, Feed).read({ limit: 100 }), (items) =>
    items.flatMap((item) => (item._tag === "Event" ? [item.event.kind] : []))
  )

describe("a protocol that cannot take in an outcome", () => {
  it.effect("is told three times, reported, and stops nobody else", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const Words = Protocol.make("words", {
        messages: Schema.String,
        handle: () => Effect.void,
        onOutcome: (word) =>
          Effect.suspend(() => {
            told.push(word)
            return word === "bad" ? Effect.die(new Error("boom")) : Effect.void
          })
      })
      const a = yield* DeliveryNode.start({
        seed: 1,
        database: yield* MemoryDatabase.make,
        protocols: [Words.handled]
      })
      const b = yield* DeliveryNode.start({
        seed: 2,
        database: yield* MemoryDatabase.make,
        protocols: [Words.handled]
      })
      const delivery = Context.get(a.context, Delivery)
      for (const word of ["one", "bad", "two"]) yield* delivery.send(DeliveryNode.keyOf(b), Words, word)
      yield* connected(a, b)
      assert.deepStrictEqual(yield* Context.get(a.context, RetryStore).owed({ limit: 10 }), [])
      assert.deepStrictEqual(yield* kinds(a), ["message.outcome-failed"])
      assert.deepStrictEqual(told.slice(-5), ["one", "bad", "bad", "bad", "two"])
    }).pipe(Effect.scoped)
  )
})

describe("more answers than a frame holds", () => {
  it.effect("all arrive, each once, in RECEIPTs and over a new session in RESUMEs", () =>
    Effect.gen(function* () {
      const outcomes = new Map<string, number>()
      const detail = "漢".repeat(1_024)
      const Words = Protocol.make("words", {
        messages: Schema.String,
        handle: () => Effect.fail(Protocol.Rejected.refused("never", detail)),
        onOutcome: (word, outcome) =>
          Effect.sync(() => void (outcome._tag === "Refused" && outcomes.set(word, (outcomes.get(word) ?? 0) + 1)))
      })
      const a = yield* DeliveryNode.start({
        seed: 1,
        database: yield* MemoryDatabase.make,
        protocols: [Words.handled]
      })
      const b = yield* DeliveryNode.start({
        seed: 2,
        database: yield* MemoryDatabase.make,
        protocols: [Words.handled]
      })
      const { transactions, delivery } = {
        transactions: Context.get(a.context, Transactions),
        delivery: Context.get(a.context, Delivery)
      }
      const words = Array.from({ length: 3_000 }, (_, index) => String(index))
      yield* transactions.within(
        Effect.forEach(words, (word) => delivery.send(DeliveryNode.keyOf(b), Words, word), { discard: true })
      )
      for (let session = 0; session < 4; session++) yield* connected(a, b)
      assert.deepStrictEqual([...outcomes.keys()].length, 3_000)
      assert.isTrue([...outcomes.values()].every((times) => times === 1))
      assert.deepStrictEqual(yield* Context.get(a.context, RetryStore).owed({ limit: 10 }), [])
    }).pipe(Effect.scoped)
  )
})

describe("sendNow", () => {
  it.effect("does not run inside a transaction", () =>
    Effect.gen(function* () {
      const Words = Protocol.make("words", { messages: Schema.String, handle: () => Effect.void })
      const a = yield* DeliveryNode.start({ seed: 1, database: yield* MemoryDatabase.make, protocols: [] })
      const b = yield* DeliveryNode.start({ seed: 2, database: yield* MemoryDatabase.make, protocols: [] })
      const exit = yield* Effect.exit(
        Context.get(a.context, Transactions).within(
          Context.get(a.context, Delivery).sendNow(DeliveryNode.keyOf(b), Words, "x")
        )
      )
      assert.isTrue(Exit.hasDies(exit))
      assert.deepStrictEqual(yield* Context.get(a.context, RetryStore).owed({ limit: 10 }), [])
    }).pipe(Effect.scoped)
  )
})
