import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import * as Histogram from "../../../src/protocol/Histogram.ts"
import { Delivery } from "../../../src/services/delivery/Delivery.ts"
import * as DeliveryMeter from "../../../src/services/delivery/DeliveryMeter.ts"
import * as Protocol from "../../../src/services/delivery/Protocol.ts"
import * as DeliveryNode from "../../support/DeliveryNode.ts"
import * as SessionPair from "../../support/SessionPair.ts"

const Word = Protocol.make("words", {
  messages: Schema.String,
  handle: (word) => (word === "poison" ? Effect.die(new Error("boom")) : Effect.void)
})

/** A node with a meter of its own. */
const metered = Effect.fnUntraced(function* (seed: number) {
  const meter = DeliveryMeter.make()
  const database = yield* MemoryDatabase.make
  const node = yield* DeliveryNode.start({ seed, database, protocols: [Word.handled] }).pipe(
    Effect.provideService(DeliveryMeter.DeliveryMeter, meter)
  )
  return { node, meter }
})

describe("a node tells its meter", () => {
  it.effect("of what it sends, takes, settles and puts aside, each once and after its commit", () =>
    Effect.gen(function* () {
      const [a, b] = [yield* metered(1), yield* metered(2)]
      const delivery = Context.get(a.node.context, Delivery)
      for (const word of ["one", "poison", "two"]) yield* delivery.sendNow(DeliveryNode.keyOf(b.node), Word, word)
      const pair = yield* SessionPair.make(DeliveryNode.keyOf(a.node), DeliveryNode.keyOf(b.node))
      const fibers = [yield* Effect.forkChild(a.node.run(pair.left)), yield* Effect.forkChild(b.node.run(pair.right))]
      for (let round = 0; round < 20; round++) yield* TestClock.adjust(10)
      yield* Fiber.interruptAll(fibers)
      const [sender, receiver] = [a.meter.reading(), b.meter.reading()]
      assert.deepStrictEqual([sender.groups.sum, Histogram.size(sender.commitSeconds.send)], [3, 3])
      assert.deepStrictEqual([sender.attempts, sender.sentBatches.sum], [3, 3])
      assert.isAtLeast(Histogram.size(sender.commitSeconds.settle), 1)
      assert.deepStrictEqual([receiver.receivedBatches.sum, receiver.parked], [3, 1])
      assert.strictEqual(Histogram.size(receiver.commitSeconds.receive), Histogram.size(receiver.receivedBatches))
      assert.deepStrictEqual([sender.parked, sender.receivedBatches.sum, receiver.attempts], [0, 0, 0])
    }).pipe(Effect.scoped)
  )
})
