import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import { Delivery } from "../../../src/services/delivery/Delivery.ts"
import { Feed } from "../../../src/services/delivery/Feed.ts"
import * as Protocol from "../../../src/services/delivery/Protocol.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import * as DeliveryNode from "../../support/DeliveryNode.ts"
import * as SessionPair from "../../support/SessionPair.ts"

/** A protocol whose state is the set of words that it has sent: after a restore it sends them all again. */
const words = (state: ReadonlyArray<string> = []) => {
  const handled: Array<string> = []
  const protocol = Protocol.make("words", {
    messages: Schema.String,
    handle: (word) => Effect.sync(() => void handled.push(word)),
    pending: () => Effect.succeed(state),
    onRestored: Effect.sync(() => void handled.push("restored"))
  })
  return { handled, protocol }
}

const settle = Effect.gen(function* () {
  for (let round = 0; round < 20; round++) yield* TestClock.adjust(10)
})

const session = Effect.fnUntraced(function* (a: DeliveryNode.DeliveryNode, b: DeliveryNode.DeliveryNode) {
  const pair = yield* SessionPair.make(DeliveryNode.keyOf(a), DeliveryNode.keyOf(b))
  const fibers = [yield* Effect.forkChild(a.run(pair.left)), yield* Effect.forkChild(b.run(pair.right))]
  yield* settle
  yield* Fiber.interruptAll(fibers)
})

const kinds = (node: DeliveryNode.DeliveryNode) =>
  Effect.map(Context.get(node.context, Feed).read({ limit: 10 }), (items) =>
    items.flatMap((item) => (item._tag === "Event" ? [item.event.kind] : []))
  )

describe("a database that was restored", () => {
  it.effect("is noticed when it is the peer's: a new stream starts with what the state still requires", () =>
    Effect.gen(function* () {
      const sender = words(["one", "two"])
      const a = yield* DeliveryNode.start({
        seed: 1,
        database: yield* MemoryDatabase.make,
        protocols: [sender.protocol.handled]
      })
      const before = words()
      const first = yield* DeliveryNode.start({
        seed: 2,
        database: yield* MemoryDatabase.make,
        protocols: [before.protocol.handled]
      })
      const delivery = Context.get(a.context, Delivery)
      for (const word of ["one", "two"]) yield* delivery.send(DeliveryNode.keyOf(first), sender.protocol, word)
      yield* session(a, first)
      assert.deepStrictEqual(before.handled, ["one", "two"])

      const after = words()
      const second = yield* DeliveryNode.start({
        seed: 2,
        database: yield* MemoryDatabase.make,
        protocols: [after.protocol.handled]
      })
      yield* delivery.send(DeliveryNode.keyOf(second), sender.protocol, "three")
      // The first session finds out and ends; the next one begins with the new stream.
      yield* session(a, second)
      assert.deepStrictEqual(after.handled, [])
      yield* session(a, second)
      assert.deepStrictEqual([...after.handled].sort(), ["one", "three", "two"])
      assert.deepStrictEqual(yield* kinds(a), ["link.restored"])
      assert.deepStrictEqual(yield* Context.get(a.context, RetryStore).owed({ limit: 10 }), [])
    }).pipe(Effect.scoped)
  )

  it.effect("is told to its own protocols before anything else that comes from whoever shows it", () =>
    Effect.gen(function* () {
      const [here, there] = [words(), words()]
      const database = yield* MemoryDatabase.make
      const a = { seed: 1, database, protocols: [here.protocol.handled] }
      const other = { seed: 2, database: yield* MemoryDatabase.make, protocols: [there.protocol.handled] }
      const b = yield* DeliveryNode.start(other)
      const first = yield* DeliveryNode.start(a)
      yield* session(first, b)
      const early = database.snapshot()
      yield* Context.get(first.context, Delivery).send(DeliveryNode.keyOf(b), here.protocol, "forgotten")
      yield* session(first, b)
      assert.deepStrictEqual([here.handled, there.handled], [[], ["forgotten"]])
      early()
      const second = yield* DeliveryNode.start(a)
      yield* Context.get(b.context, Delivery).send(DeliveryNode.keyOf(second), there.protocol, "asked")
      yield* session(second, b)
      yield* session(second, b)
      assert.strictEqual(here.handled[0], "restored")
      assert.include(here.handled, "asked")
      assert.notInclude(there.handled, "restored")
    }).pipe(Effect.scoped)
  )

  it.effect("is no reason to lose or double anything when it is the sender's and starts a stream of its own", () =>
    Effect.gen(function* () {
      const receiver = words()
      const b = yield* DeliveryNode.start({
        seed: 2,
        database: yield* MemoryDatabase.make,
        protocols: [receiver.protocol.handled]
      })
      for (const word of ["one", "two", "three"]) {
        const sender = words()
        const a = yield* DeliveryNode.start({
          seed: 1,
          database: yield* MemoryDatabase.make,
          protocols: [sender.protocol.handled]
        })
        yield* Context.get(a.context, Delivery).send(DeliveryNode.keyOf(b), sender.protocol, word)
        yield* session(a, b)
        yield* session(a, b)
      }
      assert.deepStrictEqual(receiver.handled, ["one", "two", "three"])
    }).pipe(Effect.scoped)
  )
})
