/**
 * A message that ends the process, or the session, whenever it is handled; and one that is handled when that happens.
 */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import { Delivery } from "../../../src/services/delivery/Delivery.ts"
import { Feed } from "../../../src/services/delivery/Feed.ts"
import * as Protocol from "../../../src/services/delivery/Protocol.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import * as DeliveryNode from "../../support/DeliveryNode.ts"
import { uuid } from "../../support/Messages.ts"
import * as SessionPair from "../../support/SessionPair.ts"

/** Two databases, and a receiver that never comes to the end of "kill", nor of "slow" in less than 100 ms. */
const world = Effect.gen(function* () {
  const handled: Array<string> = []
  const begun: Array<string> = []
  const protocol = Protocol.make("words", {
    messages: Schema.String,
    subject: (word) => word,
    handle: (word) =>
      Effect.gen(function* () {
        begun.push(word)
        if (word === "kill") return yield* Effect.never
        if (word === "slow") yield* Effect.sleep("100 millis")
        handled.push(word)
      })
  })
  const [mine, theirs] = [yield* MemoryDatabase.make, yield* MemoryDatabase.make]
  const live = (seed: number, database: typeof mine) =>
    DeliveryNode.start({ seed, database, protocols: [protocol.handled] })
  const a = yield* live(1, mine)
  const to = DeliveryNode.keyOf(yield* live(2, theirs))
  const store = Context.get(a.context, RetryStore)
  /** One life of the receiver, with one session of so many milliseconds. */
  const life = (millis: number) =>
    Effect.gen(function* () {
      const b = yield* live(2, theirs)
      const pair = yield* SessionPair.make(DeliveryNode.keyOf(a), to)
      const fibers = [yield* Effect.forkChild(a.run(pair.left)), yield* Effect.forkChild(b.run(pair.right))]
      for (let round = 0; round < 60; round++) yield* TestClock.adjust(0)
      for (let passed = 0; passed < millis; passed += 20) yield* TestClock.adjust(20)
      yield* Fiber.interruptAll(fibers)
      return b
    }).pipe(Effect.scoped)
  return {
    handled,
    begun,
    life,
    store,
    to,
    send: (...words: ReadonlyArray<string>) =>
      Effect.forEach(words, (word) => Context.get(a.context, Delivery).send(to, protocol, word)),
    owes: Effect.map(store.debtors(1), (peers) => peers.length > 0)
  }
})

const kills = (begun: ReadonlyArray<string>): number => begun.filter((word) => word === "kill").length

describe("a message that ends the process that handles it", () => {
  it.effect("is parked after a few lives, and what is around it takes effect once", () =>
    Effect.gen(function* () {
      const { begun, handled, life, owes, send } = yield* world
      yield* send("one", "two", "kill", "three")
      let lives = 0
      for (; (yield* owes) && lives < 12; lives++) yield* life(1_000)
      assert.deepStrictEqual([yield* owes, lives, kills(begun)], [false, 7, 6])
      assert.deepStrictEqual(handled.slice(-3), ["one", "two", "three"])
      const told = yield* Context.get((yield* life(0)).context, Feed).read({ limit: 10 })
      assert.deepStrictEqual(
        told.flatMap((item) => (item._tag === "Event" ? [item.event.kind] : [])),
        ["message.parked"]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("is found at the beginning of another stream as well", () =>
    Effect.gen(function* () {
      const { begun, handled, life, owes, send, store, to } = yield* world
      yield* send("one", "two", "three")
      yield* life(200)
      yield* store.restart(yield* store.claim(to), uuid(), 3n)
      yield* send("kill", "four")
      let lives = 0
      for (; (yield* owes) && lives < 12; lives++) yield* life(1_000)
      assert.isFalse(yield* owes)
      assert.isAtMost(kills(begun), 6)
      assert.deepStrictEqual(handled, ["one", "two", "three", "four"])
    }).pipe(Effect.scoped)
  )

  it.effect("is not one whose sessions ended for another reason", () =>
    Effect.gen(function* () {
      const { begun, handled, life, owes, send } = yield* world
      // Sessions in which nothing comes, one after the other, as on a bad line.
      for (let idle = 0; idle < 5; idle++) yield* life(20)
      yield* send("slow")
      yield* life(60)
      yield* life(60)
      yield* life(1_000)
      assert.deepStrictEqual([yield* owes, handled, begun], [false, ["slow"], ["slow", "slow", "slow"]])
    }).pipe(Effect.scoped)
  )
})
