import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Schema } from "effect"
import { TestClock } from "effect/testing"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import { maxBody } from "../../../src/protocol/delivery/Message.ts"
import * as NodeKey from "../../../src/protocol/NodeKey.ts"
import { Delivery } from "../../../src/services/delivery/Delivery.ts"
import * as Protocol from "../../../src/services/delivery/Protocol.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import { Wakes } from "../../../src/services/delivery/Wakes.ts"
import { Identity } from "../../../src/services/link/Identity.ts"
import { Transactions } from "../../../src/services/Transactions.ts"
import * as DeliveryNode from "../../support/DeliveryNode.ts"

const Word = Protocol.make("word", { messages: Schema.Struct({ text: Schema.String }), handle: () => Effect.void })
const peer = NodeKey.fromBytes(new Uint8Array(32).fill(9))

const node = Effect.gen(function* () {
  const { context } = yield* DeliveryNode.start({ seed: 1, database: yield* MemoryDatabase.make, protocols: [] })
  return {
    delivery: Context.get(context, Delivery),
    store: Context.get(context, RetryStore),
    transactions: Context.get(context, Transactions),
    wakes: Context.get(context, Wakes),
    key: Context.get(context, Identity).key
  }
})

describe("Delivery", () => {
  it.effect("owes a message from the commit on, and nothing of a transaction that failed", () =>
    Effect.gen(function* () {
      const { delivery, store, transactions } = yield* node
      const id = yield* transactions.within(
        Effect.gen(function* () {
          yield* transactions
            .within(Effect.andThen(delivery.send(peer, Word, { text: "inner" }), Effect.fail("no")))
            .pipe(Effect.ignore)
          return yield* delivery.send(peer, Word, { text: "outer" })
        })
      )
      assert.deepStrictEqual(
        (yield* store.owed({ limit: 10 })).map((owed) => owed.id),
        [id]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("wakes the pump after the commit, not before", () =>
    Effect.gen(function* () {
      const { delivery, transactions, wakes } = yield* node
      const look = yield* wakes.attach(peer)
      look.close()
      yield* transactions.within(
        Effect.gen(function* () {
          yield* delivery.send(peer, Word, { text: "x" })
          assert.isFalse(look.isOpen)
        })
      )
      assert.isTrue(look.isOpen)
    }).pipe(Effect.scoped)
  )

  it.effect("gives concurrent senders one transaction and each its own id", () =>
    Effect.gen(function* () {
      const { delivery, store } = yield* node
      const texts = Array.from({ length: 1_000 }, (_, index) => String(index))
      const ids = yield* Effect.forEach(texts, (text) => delivery.sendNow(peer, Word, { text }), {
        concurrency: "unbounded"
      })
      assert.strictEqual(new Set(ids).size, 1_000)
      assert.deepStrictEqual(
        (yield* store.owed({ limit: 2_000 })).map((owed) => owed.id),
        ids
      )
    }).pipe(Effect.scoped)
  )

  it.effect("sends many at once in their order, or none if one of them is invalid", () =>
    Effect.gen(function* () {
      const { delivery, store, transactions } = yield* node
      const some = ["one", "two", "three"].map((text) => ({ text }))
      const ids = yield* transactions.within(delivery.sendAll(peer, Word, some))
      const invalid = [...some, { text: "x".repeat(maxBody) }]
      const error = yield* Effect.flip(transactions.within(delivery.sendAll(peer, Word, invalid)))
      assert.strictEqual(error._tag, "MessageInvalid")
      assert.deepStrictEqual(
        (yield* store.owed({ limit: 10 })).map((owed) => owed.id),
        ids
      )
    }).pipe(Effect.scoped)
  )

  it.effect("refuses a message to itself, one that is too large, and stores neither", () =>
    Effect.gen(function* () {
      const { delivery, key, store } = yield* node
      const own = yield* Effect.exit(delivery.send(key, Word, { text: "me" }))
      const large = yield* Effect.exit(delivery.sendNow(peer, Word, { text: "x".repeat(maxBody) }))
      assert.isTrue(Exit.isFailure(own) && Exit.isFailure(large))
      assert.deepStrictEqual(yield* store.owed({ limit: 10 }), [])
    }).pipe(Effect.scoped)
  )

  it.effect("takes any duration as the time that a message has, without end as well", () =>
    Effect.gen(function* () {
      const { delivery, store } = yield* node
      yield* delivery.sendNow(peer, Word, { text: "for ever" }, { within: "Infinity" })
      yield* delivery.sendNow(peer, Word, { text: "soon" }, { within: 1.5 })
      assert.deepStrictEqual(
        (yield* store.owed({ limit: 10 })).map(({ deadline }) => deadline),
        [undefined, 2]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("takes a message back that is past its time", () =>
    Effect.gen(function* () {
      const { delivery, store } = yield* node
      const id = yield* delivery.send(peer, Word, { text: "quick" }, { within: "10 seconds" })
      assert.deepStrictEqual(yield* store.expire(9_999, 10), [])
      yield* TestClock.adjust("11 seconds")
      assert.deepStrictEqual(
        (yield* store.expire(11_000, 10)).map((owed) => owed.id),
        [id]
      )
      assert.deepStrictEqual(yield* store.owed({ limit: 10 }), [])
    }).pipe(Effect.scoped)
  )

  it("accepts only names that every peer can read", () => {
    for (const name of ["", "Chat", "-chat", "a b", "x".repeat(65)]) {
      assert.throws(() => Protocol.make(name, { messages: Schema.String, handle: () => Effect.void }), RangeError)
    }
  })
})
