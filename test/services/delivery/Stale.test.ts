import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Result, Schema } from "effect"
import { TestClock } from "effect/testing"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import * as DeliveryFrame from "../../../src/protocol/delivery/DeliveryFrame.ts"
import { maxState, type Outcome } from "../../../src/protocol/delivery/Message.ts"
import { Delivery } from "../../../src/services/delivery/Delivery.ts"
import * as Protocol from "../../../src/services/delivery/Protocol.ts"
import * as DeliveryNode from "../../support/DeliveryNode.ts"
import * as SessionPair from "../../support/SessionPair.ts"

const digest = Uint8Array.from({ length: 32 }, (_, index) => index)

describe("a message that does not fit the receiver's state", () => {
  it.effect("brings the revision and the digest of that state back to its sender", () =>
    Effect.gen(function* () {
      const told: Array<Outcome> = []
      const Words = Protocol.make("words", {
        messages: Schema.String,
        handle: (word) => Effect.fail(Protocol.Rejected.stale("7", word === "bare" ? undefined : digest)),
        onOutcome: (_, outcome) => Effect.sync(() => void told.push(outcome))
      })
      const start = Effect.fnUntraced(function* (seed: number) {
        return yield* DeliveryNode.start({ seed, database: yield* MemoryDatabase.make, protocols: [Words.handled] })
      })
      const [a, b] = [yield* start(1), yield* start(2)]
      for (const word of ["bare", "old"]) {
        yield* Context.get(a.context, Delivery).send(DeliveryNode.keyOf(b), Words, word)
      }
      const pair = yield* SessionPair.make(DeliveryNode.keyOf(a), DeliveryNode.keyOf(b))
      const fibers = [yield* Effect.forkChild(a.run(pair.left)), yield* Effect.forkChild(b.run(pair.right))]
      for (let round = 0; round < 100; round++) yield* TestClock.adjust(10)
      yield* Fiber.interruptAll(fibers)
      assert.deepStrictEqual(told, [
        { _tag: "Stale", revision: "7" },
        { _tag: "Stale", revision: "7", state: digest }
      ])
    }).pipe(Effect.scoped)
  )

  it("is shown with the beginning of the digest", () => {
    const shown = (state?: Uint8Array) => Protocol.describe(Protocol.Rejected.stale("r7", state).outcome)
    assert.strictEqual(shown(), "stale: the receiver is at revision r7")
    assert.strictEqual(shown(new Uint8Array([9])), "stale: the receiver is at revision r7, state 09")
    assert.strictEqual(shown(digest), "stale: the receiver is at revision r7, state 0001020304050607...")
  })

  it("carries no digest that is longer than allowed, neither from here nor from a peer", () => {
    const longest = new Uint8Array(maxState)
    assert.deepInclude(Protocol.Rejected.stale("7", longest).outcome, { state: longest })
    assert.throws(() => Protocol.Rejected.stale("7", new Uint8Array(maxState + 1)), "give a hash of the state")
    const receipt = (bytes: number) =>
      DeliveryFrame.receipt.encode({
        stream: "00112233-4455-6677-8899-aabbccddeeff",
        upTo: 1n,
        answers: [{ seq: 1n, outcome: { _tag: "Stale", revision: "7", state: new Uint8Array(bytes) } }]
      })
    assert.isTrue(Result.isSuccess(DeliveryFrame.receipt.decode(receipt(maxState))))
    const tooLong = Result.try(() => Result.getOrThrow(DeliveryFrame.receipt.decode(receipt(maxState + 1))))
    assert.isTrue(Result.isFailure(tooLong))
  })
})
