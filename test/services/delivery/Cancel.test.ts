import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import * as DeliveryFrame from "../../../src/protocol/delivery/DeliveryFrame.ts"
import { Kind } from "../../../src/protocol/link/Frame.ts"
import { Delivery } from "../../../src/services/delivery/Delivery.ts"
import { Feed } from "../../../src/services/delivery/Feed.ts"
import * as Protocol from "../../../src/services/delivery/Protocol.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import { Transactions } from "../../../src/services/Transactions.ts"
import * as DeliveryNode from "../../support/DeliveryNode.ts"
import * as SessionPair from "../../support/SessionPair.ts"

/** What the other side says first whose database is new. */
const fresh = DeliveryFrame.resume.encode({
  sending: { stream: "00112233-4455-6677-8899-aabbccddeeff", last: 0n, receipted: 0n },
  received: { stream: null, position: 0n, seen: 0n },
  answers: []
})

const pass = (seconds: number) =>
  Effect.gen(function* () {
    for (let round = 0; round < seconds * 10; round++) yield* TestClock.adjust(100)
  })

/** Two nodes; the second puts "later" off for an hour and handles the rest. */
const nodes = Effect.gen(function* () {
  const handled: Array<string> = []
  const Words = Protocol.make("words", {
    messages: Schema.String,
    handle: (word) =>
      word === "later" ? Effect.fail(Protocol.Rejected.later("1 hour")) : Effect.sync(() => void handled.push(word))
  })
  const start = Effect.fnUntraced(function* (seed: number) {
    return yield* DeliveryNode.start({ seed, database: yield* MemoryDatabase.make, protocols: [Words.handled] })
  })
  const [a, b] = [yield* start(1), yield* start(2)]
  const delivery = Context.get(a.context, Delivery)
  return {
    a,
    b,
    handled,
    cancel: delivery.cancel,
    send: (word: string) => delivery.send(DeliveryNode.keyOf(b), Words, word),
    owed: Context.get(a.context, RetryStore).owed({ limit: 10 }),
    feed: Context.get(a.context, Feed),
    within: Context.get(a.context, Transactions).within
  }
})

const connect = Effect.fnUntraced(function* (a: DeliveryNode.DeliveryNode, b: DeliveryNode.DeliveryNode) {
  const pair = yield* SessionPair.make(DeliveryNode.keyOf(a), DeliveryNode.keyOf(b))
  yield* Effect.forkScoped(a.run(pair.left))
  yield* Effect.forkScoped(b.run(pair.right))
})

/** Gives the first messages numbers that are sent and lost. */
const offeredInVain = Effect.fnUntraced(function* (a: DeliveryNode.DeliveryNode, b: DeliveryNode.DeliveryNode) {
  const pair = yield* SessionPair.make(DeliveryNode.keyOf(a), DeliveryNode.keyOf(b))
  const sender = yield* Effect.forkChild(a.run(pair.left))
  yield* pair.right.send(Kind.Resume, fresh)
  yield* pass(1)
  assert.isTrue(pair.sent.some(({ kind }) => kind === Kind.Data))
  yield* Fiber.interrupt(sender)
})

const settled = { audience: "", protocol: "", subject: "", kind: "settled", body: null }

describe("cancelling a message", () => {
  it.effect("lets what waited behind it go at once", () =>
    Effect.gen(function* () {
      const { a, b, cancel, handled, send, within } = yield* nodes
      yield* connect(a, b)
      yield* pass(1)
      const id = yield* send("later")
      yield* pass(1)
      yield* send("behind")
      yield* pass(1)
      assert.deepStrictEqual(handled, [])
      assert.strictEqual(yield* within(cancel(id)), "cancelled")
      yield* pass(1)
      assert.deepStrictEqual(handled, ["behind"])
    }).pipe(Effect.scoped)
  )

  it.effect("becomes true with the state that made it unnecessary, or not at all", () =>
    Effect.gen(function* () {
      const { a, b, cancel, feed, handled, owed, send, within } = yield* nodes
      const [kept, gone] = [yield* send("kept"), yield* send("gone")]
      const change = (id: string) => Effect.andThen(feed.append([settled]), cancel(id))
      yield* Effect.exit(within(Effect.andThen(change(kept), Effect.fail("no"))))
      assert.lengthOf(yield* owed, 2)
      assert.deepStrictEqual(yield* feed.read({ limit: 10 }), [])
      assert.strictEqual(yield* within(change(gone)), "cancelled")
      assert.deepStrictEqual(
        (yield* owed).map(({ id }) => id),
        [kept]
      )
      assert.lengthOf(yield* feed.read({ limit: 10 }), 1)
      yield* connect(a, b)
      yield* pass(1)
      assert.deepStrictEqual(handled, ["kept"])
      assert.deepStrictEqual(yield* owed, [])
    }).pipe(Effect.scoped)
  )

  it.effect("leaves an empty number of one that was offered, and its subject goes on behind that", () =>
    Effect.gen(function* () {
      const { a, b, cancel, handled, owed, send } = yield* nodes
      const gone = yield* send("gone")
      const kept = yield* send("kept")
      yield* offeredInVain(a, b)
      assert.strictEqual(yield* cancel(gone), "unknown")
      assert.deepStrictEqual(
        (yield* owed).map(({ bytes, id, seq, ...owed }) => [id, seq, owed.void, bytes > 0]),
        [
          [gone, 1n, true, false],
          [kept, 2n, false, true]
        ]
      )
      assert.isUndefined(yield* cancel(gone))
      yield* connect(a, b)
      yield* pass(1)
      assert.deepStrictEqual(handled, ["kept"])
      assert.deepStrictEqual(yield* owed, [])
    }).pipe(Effect.scoped)
  )

  it.effect("frees the subject behind one that was put off", () =>
    Effect.gen(function* () {
      const { a, b, cancel, handled, owed, send } = yield* nodes
      const first = yield* send("later")
      yield* connect(a, b)
      yield* pass(2)
      yield* send("behind")
      yield* pass(2)
      assert.deepStrictEqual(handled, [])
      assert.strictEqual(yield* cancel(first), "cancelled")
      yield* pass(40)
      assert.deepStrictEqual(handled, ["behind"])
      assert.deepStrictEqual(yield* owed, [])
    }).pipe(Effect.scoped)
  )

  it.effect("comes too late after the receipt", () =>
    Effect.gen(function* () {
      const { a, b, cancel, handled, send } = yield* nodes
      const id = yield* send("one")
      yield* connect(a, b)
      yield* pass(1)
      assert.deepStrictEqual(handled, ["one"])
      assert.isUndefined(yield* cancel(id))
    }).pipe(Effect.scoped)
  )
})
