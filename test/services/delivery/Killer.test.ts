/**
 * A message that ends the process, or the session, whenever it is handled.
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
import * as SessionPair from "../../support/SessionPair.ts"

/** A process of which `kill` is the end. */
const words = () => {
  const handled: Array<string> = []
  let kills = 0
  const protocol = Protocol.make("words", {
    messages: Schema.String,
    subject: (word) => word,
    handle: (word) => {
      if (word !== "kill") return Effect.sync(() => void handled.push(word))
      kills++
      return Effect.never
    }
  })
  return { handled, kills: () => kills, protocol }
}

describe("a message that ends the process that handles it", () => {
  it.effect("is parked after a few lives, and what is around it takes effect once", () =>
    Effect.gen(function* () {
      const { handled, kills, protocol } = words()
      const [mine, theirs] = [yield* MemoryDatabase.make, yield* MemoryDatabase.make]
      const live = (seed: number, database: typeof mine) =>
        DeliveryNode.start({ seed, database, protocols: [protocol.handled] })
      const a = yield* live(1, mine)
      const to = DeliveryNode.keyOf(yield* live(2, theirs))
      const send = Context.get(a.context, Delivery).send
      for (const word of ["one", "two", "kill", "three"]) yield* send(to, protocol, word)
      let lives = 0
      const owed = Effect.flatMap(Context.get(a.context, RetryStore).debtors(1), (peers) =>
        Effect.succeed(peers.length)
      )
      while ((yield* owed) > 0 && lives < 12) {
        lives++
        yield* Effect.gen(function* () {
          const b = yield* live(2, theirs)
          const pair = yield* SessionPair.make(DeliveryNode.keyOf(a), to)
          const fibers = [yield* Effect.forkChild(a.run(pair.left)), yield* Effect.forkChild(b.run(pair.right))]
          for (let round = 0; round < 40; round++) yield* TestClock.adjust(25)
          yield* Fiber.interruptAll(fibers)
        }).pipe(Effect.scoped)
      }
      assert.deepStrictEqual([yield* owed, kills()], [0, 4])
      assert.isAtMost(lives, 6)
      assert.deepStrictEqual(handled.slice(-3), ["one", "two", "three"])
      const b = yield* live(2, theirs)
      const told = yield* Context.get(b.context, Feed).read({ limit: 10 })
      assert.deepStrictEqual(
        told.flatMap((item) => (item._tag === "Event" ? [item.event.kind] : [])),
        ["message.parked"]
      )
    }).pipe(Effect.scoped)
  )
})
