import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import { AttentionStore } from "../../../src/services/delivery/AttentionStore.ts"
import { Delivery } from "../../../src/services/delivery/Delivery.ts"
import * as Expiry from "../../../src/services/delivery/Expiry.ts"
import { Feed } from "../../../src/services/delivery/Feed.ts"
import * as Protocol from "../../../src/services/delivery/Protocol.ts"
import * as Retelling from "../../../src/services/delivery/Retelling.ts"
import * as DeliveryNode from "../../support/DeliveryNode.ts"
import * as SessionPair from "../../support/SessionPair.ts"

const connected = Effect.fnUntraced(function* (a: DeliveryNode.DeliveryNode, b: DeliveryNode.DeliveryNode) {
  const pair = yield* SessionPair.make(DeliveryNode.keyOf(a), DeliveryNode.keyOf(b))
  const fibers = [yield* Effect.forkChild(a.run(pair.left)), yield* Effect.forkChild(b.run(pair.right))]
  for (let round = 0; round < 100; round++) yield* TestClock.adjust(10)
  yield* Fiber.interruptAll(fibers)
})

/** A protocol that writes down how its messages end, in the feed, and fails for some until it is mended. */
const words = () => {
  const state = { broken: true }
  const note = (kind: string, subject: string) =>
    Feed.use((feed) => feed.append([{ audience: "told", protocol: "words", subject, kind, body: null }])).pipe(
      Effect.andThen(Effect.suspend(() => (state.broken ? Effect.die(new Error("boom")) : Effect.void)))
    )
  const Words = Protocol.make("words", {
    messages: Schema.String,
    handle: (word) => (word === "bad" ? Effect.fail(Protocol.Rejected.refused("never")) : Effect.void),
    onOutcome: (word, outcome) => note(outcome._tag, word),
    onExpired: (word, { outcome }) => note(outcome, word)
  })
  return { state, Words }
}

const told = (node: DeliveryNode.DeliveryNode) =>
  Effect.map(Context.get(node.context, Feed).read({ limit: 100, audience: "told" }), (items) =>
    items.flatMap((item) => (item._tag === "Event" ? [`${item.event.subject} ${item.event.kind}`] : []))
  )

describe("an end that a protocol could not take in", () => {
  it.effect("is kept, told again at the next start, and forgotten with what the protocol writes then", () =>
    Effect.gen(function* () {
      const { state, Words } = words()
      const start = Effect.fnUntraced(function* (seed: number) {
        return yield* DeliveryNode.start({ seed, database: yield* MemoryDatabase.make, protocols: [Words.handled] })
      })
      const [a, b] = [yield* start(1), yield* start(2)]
      const delivery = Context.get(a.context, Delivery)
      const untold = Context.get(a.context, AttentionStore).untold({ limit: 10 })
      const send = (word: string, within?: "2 seconds") =>
        delivery.send(DeliveryNode.keyOf(b), Words, word, within === undefined ? {} : { within })
      yield* send("good")
      yield* send("bad")
      yield* connected(a, b)
      yield* send("late", "2 seconds")
      yield* TestClock.adjust("2 seconds")
      const { round } = yield* Effect.provide(Expiry.make([Words.handled]), a.context)
      yield* round
      assert.deepStrictEqual(
        (yield* untold).map(
          ({ end }) => `${end._tag} ${typeof end.outcome === "string" ? end.outcome : end.outcome._tag}`
        ),
        ["Settled Ok", "Settled Refused", "Expired cancelled"]
      )
      assert.deepStrictEqual(yield* told(a), [])
      const retell = (protocols: ReadonlyArray<typeof Words.handled>) =>
        Effect.provide(Retelling.run(protocols), a.context)
      // Still broken, or not there at all: it stays.
      yield* retell([Words.handled])
      yield* retell([])
      assert.lengthOf(yield* untold, 3)
      assert.deepStrictEqual(yield* told(a), [])
      state.broken = false
      yield* retell([Words.handled])
      assert.deepStrictEqual(yield* told(a), ["good Ok", "bad Refused", "late cancelled"])
      assert.deepStrictEqual(yield* untold, [])
      yield* retell([Words.handled])
      assert.lengthOf(yield* told(a), 3)
    }).pipe(Effect.scoped)
  )

  it.effect("is not kept of a message that is offered again", () =>
    Effect.gen(function* () {
      const Words = Protocol.make("words", {
        messages: Schema.String,
        handle: () => Effect.fail(Protocol.Rejected.later("1 hour")),
        onOutcome: () => Effect.die(new Error("boom"))
      })
      const start = Effect.fnUntraced(function* (seed: number) {
        return yield* DeliveryNode.start({ seed, database: yield* MemoryDatabase.make, protocols: [Words.handled] })
      })
      const [a, b] = [yield* start(1), yield* start(2)]
      yield* Context.get(a.context, Delivery).send(DeliveryNode.keyOf(b), Words, "x")
      yield* connected(a, b)
      const items = yield* Context.get(a.context, Feed).read({ limit: 10 })
      assert.isTrue(items.some((item) => item._tag === "Event" && item.event.kind === "message.outcome-failed"))
      assert.deepStrictEqual(yield* Context.get(a.context, AttentionStore).untold({ limit: 10 }), [])
    }).pipe(Effect.scoped)
  )
})
