import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Scope, Exit } from "effect"
import { SecureRandom } from "effect/crypto"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import { TestClock } from "effect/testing"
import * as StoresMemory from "../../../src/layers/StoresMemory.ts"
import { Endpoint } from "../../../src/protocol/Address.ts"
import { Attention, type AttentionItem, maxItems } from "../../../src/services/delivery/Attention.ts"
import { AttentionStore } from "../../../src/services/delivery/AttentionStore.ts"
import { DeliveryConfig, defaults } from "../../../src/services/delivery/DeliveryConfig.ts"
import { Feed } from "../../../src/services/delivery/Feed.ts"
import { FeedStore } from "../../../src/services/delivery/FeedStore.ts"
import type { Concern } from "../../../src/services/delivery/Protocol.ts"
import * as Reminder from "../../../src/services/delivery/Reminder.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import { PeerBook } from "../../../src/services/link/PeerBook.ts"
import { message, stranger, uuid } from "../../support/Messages.ts"

/** So that a test need not wait for a day. */
const second = 1_000

const services = Feed.layer.pipe(
  Layer.provideMerge(Layer.succeed(DeliveryConfig, { ...defaults, patience: { attempts: 32, millis: second } })),
  Layer.provideMerge(StoresMemory.layer),
  Layer.provide(SecureRandom.layerWebCrypto),
  Layer.fresh
)

const concern = (fields: Partial<Concern> = {}): Concern => ({
  audience: "anna",
  subject: "tally 7",
  kind: "credit.request",
  detail: "Bob asks for 5",
  since: 1_000,
  ...fields
})

const list = (query: { readonly audience?: string; readonly limit?: number } = {}) =>
  Attention.use((attention) => attention.list({ limit: 100, ...query }))

const include = (name: string, concerns: Effect.Effect<ReadonlyArray<Concern>, SqlError>) =>
  Attention.use((attention) => attention.include(name, concerns))

const kinds = (items: ReadonlyArray<AttentionItem>) => items.map(({ kind, subject }) => [kind, subject])

describe("the action list", () => {
  it.effect("names what the node itself cannot mend, until it is mended", () =>
    Effect.gen(function* () {
      const store = yield* RetryStore
      const book = yield* PeerBook
      const [peer, homeless] = [stranger(), stranger()]
      yield* TestClock.setTime(10 * second)
      yield* book.learn(peer, new Endpoint({ host: "127.0.0.1", port: 1 }), "verified")
      assert.deepStrictEqual(yield* list(), [])
      const [old, late] = [message(peer), message(homeless)]
      yield* store.enqueue([old], 9 * second)
      yield* store.enqueue([late], 10 * second)
      yield* store.park(peer, { ...message(peer), id: uuid() }, "it crashed", 5 * second)
      const id = uuid()
      yield* AttentionStore.use((attention) =>
        attention.keep({
          id,
          peer,
          protocol: "chat",
          subject: "room",
          body: new Uint8Array(),
          end: { _tag: "Expired", outcome: "unknown" },
          at: 6 * second
        })
      )
      const items = yield* list()
      assert.deepStrictEqual(kinds(items), [
        ["message.parked", "room"],
        ["message.untold", "room"],
        ["peer.overdue", peer],
        ["peer.no-address", homeless]
      ])
      assert.deepStrictEqual(
        items.map(({ audience, protocol, since }) => [audience, protocol, since]),
        [
          ["", "chat", 5 * second],
          ["", "chat", 6 * second],
          ["", "", 9 * second],
          ["", "", 10 * second]
        ]
      )
      assert.deepInclude(items[1], { peer, id })
      assert.include(items[2]?.detail, "1 message is owed to it, the oldest for longer than 1s")
      assert.include(items[3]?.detail, "no address of it is known")
      yield* store.cancel(old.id)
      yield* store.cancel(late.id)
      assert.deepStrictEqual(kinds(yield* list()).length, 2)
    }).pipe(Effect.provide(services))
  )

  it.effect("holds what protocols say, for their users, as the state is at the moment", () =>
    Effect.gen(function* () {
      let state = [concern(), concern({ audience: "bert", since: 500 }), concern({ audience: "", since: 2_000 })]
      const scope = yield* Scope.make()
      yield* include(
        "credit",
        Effect.sync(() => state)
      ).pipe(Scope.provide(scope))
      assert.deepStrictEqual(yield* list({ audience: "anna" }), [{ ...concern(), protocol: "credit" }])
      assert.deepStrictEqual(
        (yield* list()).map(({ audience }) => audience),
        ["bert", "anna", ""]
      )
      assert.lengthOf(yield* list({ limit: 2 }), 2)
      assert.lengthOf(yield* list({ audience: "" }), 1)
      state = []
      assert.deepStrictEqual(yield* list(), [])
      state = [concern()]
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* list(), [])
    }).pipe(Effect.provide(services))
  )

  it.effect("is bounded in its items and in their texts", () =>
    Effect.gen(function* () {
      const long = "x".repeat(5_000)
      const big = concern({ audience: long, subject: long, kind: long, detail: long })
      yield* include("credit", Effect.succeed(Array.from({ length: 3_000 }, () => big)))
      const items = yield* list({ limit: 1_000_000 })
      assert.lengthOf(items, maxItems)
      const { audience, detail, kind, subject } = items[0]!
      assert.deepStrictEqual([audience.length, subject.length, kind.length, detail.length], [256, 256, 64, 1_024])
    }).pipe(Effect.scoped, Effect.provide(services))
  )

  it.effect("hides nothing because a protocol fails, and says which one does", () =>
    Effect.gen(function* () {
      const errors: Array<unknown> = []
      const log = Logger.make(({ message }) => void errors.push(message))
      yield* include("bad", Effect.die(new Error("boom")))
      yield* include("credit", Effect.succeed([concern({ audience: "" })]))
      const twice = Effect.andThen(list(), list()).pipe(Effect.provide(Logger.layer([log])))
      assert.deepStrictEqual(
        (yield* twice).map(({ kind, protocol }) => [protocol, kind]),
        [
          ["bad", "attention.failed"],
          ["credit", "credit.request"]
        ]
      )
      assert.lengthOf(errors, 1)
      assert.lengthOf(yield* list({ audience: "anna" }), 0)
      const gone = new SqlError({ reason: new ConnectionError({ cause: new Error("gone"), message: "gone" }) })
      yield* include("away", Effect.fail(gone))
      assert.strictEqual(yield* Effect.flip(list()), gone)
    }).pipe(Effect.scoped, Effect.provide(services))
  )
})

describe("the start of a node", () => {
  it.effect("tells every audience again what waits for it, in one event each", () =>
    Effect.gen(function* () {
      const feed = yield* Feed
      yield* Reminder.run
      assert.deepStrictEqual(yield* feed.read({ limit: 10 }), [])
      const many = Array.from({ length: 150 }, (_, n) => concern({ audience: "bert", subject: String(n), since: n }))
      yield* include("credit", Effect.succeed([concern(), ...many]))
      yield* Reminder.run
      yield* Reminder.run
      const told = (audience: string) =>
        Effect.map(feed.read({ limit: 10, audience }), (items) =>
          items.flatMap((item) => (item._tag === "Event" ? [item.event] : []))
        )
      const toAnna = yield* told("anna")
      assert.lengthOf(toAnna, 2)
      assert.strictEqual(toAnna[0]?.kind, "attention")
      assert.deepStrictEqual(toAnna[0]?.body, { items: [{ ...concern(), protocol: "credit" }], more: false })
      const [first] = yield* told("bert")
      const body = first?.body as { readonly items: ReadonlyArray<AttentionItem>; readonly more: boolean }
      assert.deepStrictEqual([body.items.length, body.more, body.items[0]?.subject], [100, true, "0"])
    }).pipe(Effect.scoped, Effect.provide(services))
  )
})

describe("a reader of the feed who has missed something", () => {
  it.effect("is given its action list with the reset or the gap", () =>
    Effect.gen(function* () {
      const feed = yield* Feed
      const store = yield* FeedStore
      const event = (kind: string) => ({ audience: "anna", protocol: "", subject: "", kind, body: null })
      const attention = [{ ...concern(), protocol: "credit" }]
      yield* include("credit", Effect.succeed([concern(), concern({ audience: "bert" })]))
      yield* feed.append([event("a"), event("b"), event("c")])
      yield* feed.read({ limit: 1 })
      const elsewhere = `${uuid()}:1`
      const [reset] = yield* feed.read({ after: elsewhere, audience: "anna", limit: 1 })
      assert.deepStrictEqual(reset, { _tag: "Reset", cursor: `${store.feedId}:0`, attention })
      yield* store.prune(1, 2)
      const [gap] = yield* feed.read({ after: `${store.feedId}:0`, audience: "anna", limit: 1 })
      assert.deepStrictEqual(gap, { _tag: "Gap", cursor: `${store.feedId}:2`, missed: 2n, attention })
      const [all] = yield* feed.read({ after: elsewhere, limit: 1 })
      assert.lengthOf(all?._tag === "Reset" ? all.attention : [], 2)
    }).pipe(Effect.scoped, Effect.provide(services))
  )
})
