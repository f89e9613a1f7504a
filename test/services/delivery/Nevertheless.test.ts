import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import type { Outcome } from "../../../src/protocol/delivery/Message.ts"
import { Delivery } from "../../../src/services/delivery/Delivery.ts"
import { Feed } from "../../../src/services/delivery/Feed.ts"
import * as Protocol from "../../../src/services/delivery/Protocol.ts"
import * as DeliveryNode from "../../support/DeliveryNode.ts"
import * as SessionPair from "../../support/SessionPair.ts"

const { refused } = Protocol.Rejected

/** What the receiver's feed says after these words were sent to it, and what the sender was told of each. */
const exchange = Effect.fnUntraced(function* (words: ReadonlyArray<string>) {
  const told: Array<readonly [string, Outcome["_tag"]]> = []
  const Words = Protocol.make("words", {
    messages: Schema.String,
    handle: Effect.fnUntraced(function* (word) {
      yield* (yield* Feed).append([{ audience: "", protocol: "words", subject: word, kind: "said", body: {} }])
      if (word === "rejected") return yield* refused("no")
      return word === "kept" ? new Protocol.Nevertheless(refused("no")) : undefined
    }),
    onOutcome: (word, outcome) => Effect.sync(() => void told.push([word, outcome._tag]))
  })
  const start = Effect.fnUntraced(function* (seed: number) {
    return yield* DeliveryNode.start({ seed, database: yield* MemoryDatabase.make, protocols: [Words.handled] })
  })
  const [a, b] = [yield* start(1), yield* start(2)]
  for (const word of words) yield* Context.get(a.context, Delivery).send(DeliveryNode.keyOf(b), Words, word)
  const pair = yield* SessionPair.make(DeliveryNode.keyOf(a), DeliveryNode.keyOf(b))
  const fibers = [yield* Effect.forkChild(a.run(pair.left)), yield* Effect.forkChild(b.run(pair.right))]
  for (let round = 0; round < 100; round++) yield* TestClock.adjust(10)
  yield* Fiber.interruptAll(fibers)
  const items = yield* Context.get(b.context, Feed).read({ limit: 100 })
  const said = items.flatMap((item) =>
    item._tag === "Event" && item.event.kind === "said" ? [item.event.subject] : []
  )
  return { told, said }
}, Effect.scoped)

describe("a message that is refused nevertheless", () => {
  it.effect("has its effect once, and its sender is told", () =>
    Effect.gen(function* () {
      const { said, told } = yield* exchange(["kept"])
      assert.deepStrictEqual(said, ["kept"])
      assert.deepStrictEqual(told, [["kept", "Refused"]])
    })
  )

  it.effect("takes nothing from the others of its batch, and nothing else stays of those that are rejected", () =>
    Effect.gen(function* () {
      const { said, told } = yield* exchange(["one", "kept", "rejected", "two"])
      assert.deepStrictEqual(said, ["one", "kept", "two"])
      assert.sameDeepMembers(told, [
        ["one", "Ok"],
        ["kept", "Refused"],
        ["rejected", "Refused"],
        ["two", "Ok"]
      ])
    })
  )

  it("cannot be put off", () => {
    assert.throws(() => new Protocol.Nevertheless(Protocol.Rejected.later("1 second")), TypeError)
  })
})
