import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import { TestClock } from "effect/testing"
import * as IdentityMemory from "../../../src/layers/IdentityMemory.ts"
import * as StoresMemory from "../../../src/layers/StoresMemory.ts"
import * as NodeKey from "../../../src/protocol/NodeKey.ts"
import { Delivery } from "../../../src/services/delivery/Delivery.ts"
import * as Expiry from "../../../src/services/delivery/Expiry.ts"
import { Feed } from "../../../src/services/delivery/Feed.ts"
import * as Protocol from "../../../src/services/delivery/Protocol.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import { Wakes } from "../../../src/services/delivery/Wakes.ts"
import { number } from "../../support/Messages.ts"

const peer = NodeKey.fromBytes(new Uint8Array(32).fill(9))

const services = Layer.mergeAll(Delivery.layer, Feed.layer).pipe(
  Layer.provideMerge(Wakes.layer),
  Layer.provideMerge(StoresMemory.layer),
  Layer.provideMerge(IdentityMemory.layer),
  Layer.provideMerge(SecureRandom.layerWebCrypto),
  Layer.fresh
)

type Listener = NonNullable<Protocol.Definition<string, Feed>["onExpired"]>

const words = (onExpired: Listener) =>
  Protocol.make("words", { messages: Schema.String, handle: () => Effect.void, onExpired })

const kinds = Effect.gen(function* () {
  const items = yield* Feed.use((feed) => feed.read({ limit: 1_000 }))
  return items.flatMap((item) => (item._tag === "Event" ? [item.event.kind] : []))
})

const owed = RetryStore.use((store) => store.owed({ limit: 1_000 }))

const note = (kind: string) =>
  Feed.use((feed) => feed.append([{ audience: "", protocol: "words", subject: "", kind, body: null }]))

describe("a message whose time is over", () => {
  it.effect("is told to its protocol, with what came of it, and what that writes is one with it", () =>
    Effect.gen(function* () {
      const told: Array<readonly [string, Protocol.Expiry]> = []
      const Words = words((word, what) =>
        Effect.andThen(
          note("told"),
          Effect.sync(() => void told.push([word, what]))
        )
      )
      const Silent = Protocol.make("silent", { messages: Schema.String, handle: () => Effect.void })
      const delivery = yield* Delivery
      const store = yield* RetryStore
      const first = yield* delivery.send(peer, Words, "sent", { within: "3 seconds" })
      const link = yield* store.claim(peer)
      yield* number(store, link, { messages: 1, bytes: 100 }, 0)
      const second = yield* delivery.send(peer, Words, "waiting", { within: "3 seconds" })
      yield* delivery.send(peer, Words, "kept")
      yield* delivery.send(peer, Silent, "unheard", { within: "4 seconds" })
      const { round } = yield* Expiry.make([Words.handled, Silent.handled])
      yield* TestClock.adjust("2 seconds")
      yield* round
      assert.deepStrictEqual(told, [])
      yield* TestClock.adjust("3 seconds")
      yield* round
      assert.deepStrictEqual(told, [
        ["sent", { peer, id: first, outcome: "unknown" }],
        ["waiting", { peer, id: second, outcome: "cancelled" }]
      ])
      assert.deepStrictEqual(yield* kinds, [...Array(3).fill("message.expired"), "told", "told"])
      yield* round
      assert.lengthOf(told, 2)
    }).pipe(Effect.provide(services))
  )

  it.effect("goes whether its protocol can take that in or not: an event says so, and nobody else waits", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const Words = words((word) =>
        word === "bad" ? Effect.andThen(note("lost"), Effect.die("boom")) : Effect.sync(() => void told.push(word))
      )
      const delivery = yield* Delivery
      for (const word of ["one", "bad", "two"]) yield* delivery.send(peer, Words, word, { within: "3 seconds" })
      const { round } = yield* Expiry.make([Words.handled])
      yield* TestClock.adjust("3 seconds")
      yield* round
      assert.deepStrictEqual(yield* owed, [])
      assert.deepStrictEqual(told.slice(-2), ["one", "two"])
      assert.deepStrictEqual(yield* kinds, [...Array(3).fill("message.expired"), "message.expiry-failed"])
    }).pipe(Effect.provide(services))
  )

  it.effect("stays where the database fails, and is taken back by a later round", () =>
    Effect.gen(function* () {
      let broken = true
      const failure = new SqlError({ reason: new ConnectionError({ cause: new Error("gone"), message: "gone" }) })
      const Words = words(() => (broken ? Effect.fail(failure) : Effect.void))
      yield* Delivery.use((delivery) => delivery.send(peer, Words, "one", { within: "3 seconds" }))
      const { round } = yield* Expiry.make([Words.handled])
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* Effect.flip(round), failure)
      assert.lengthOf(yield* owed, 1)
      assert.deepStrictEqual(yield* kinds, [])
      broken = false
      yield* round
      assert.deepStrictEqual(yield* owed, [])
      assert.deepStrictEqual(yield* kinds, ["message.expired"])
    }).pipe(Effect.provide(services))
  )

  it.effect("goes in the same round however many there are", () =>
    Effect.gen(function* () {
      let told = 0
      const Words = words(() => Effect.sync(() => void told++))
      const delivery = yield* Delivery
      for (let n = 0; n < 150; n++) yield* delivery.send(peer, Words, String(n), { within: "3 seconds" })
      const { round } = yield* Expiry.make([Words.handled])
      yield* TestClock.adjust("3 seconds")
      yield* round
      assert.strictEqual(told, 150)
      assert.deepStrictEqual(yield* owed, [])
    }).pipe(Effect.provide(services))
  )
})
