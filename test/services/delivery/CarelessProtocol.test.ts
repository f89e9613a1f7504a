/**
 * Protocols that go on after one of their statements has failed, which leaves the transaction of all of them useless:
 * they spoil nothing but their own part.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import { SqlClient } from "effect/sql"
import * as IdentityMemory from "../../../src/layers/IdentityMemory.ts"
import * as StoresSql from "../../../src/layers/StoresSql.ts"
import { Attention } from "../../../src/services/delivery/Attention.ts"
import { AttentionStore } from "../../../src/services/delivery/AttentionStore.ts"
import { Delivery } from "../../../src/services/delivery/Delivery.ts"
import * as Expiry from "../../../src/services/delivery/Expiry.ts"
import { Feed } from "../../../src/services/delivery/Feed.ts"
import * as Necessity from "../../../src/services/delivery/Necessity.ts"
import * as Protocol from "../../../src/services/delivery/Protocol.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import * as Settlement from "../../../src/services/delivery/Settlement.ts"
import { Wakes } from "../../../src/services/delivery/Wakes.ts"
import { Transactions } from "../../../src/services/Transactions.ts"
import * as EmbeddedDatabase from "../../support/EmbeddedDatabase.ts"
import { stranger, wide, number } from "../../support/Messages.ts"

const services = Layer.mergeAll(Delivery.layer, Feed.layer).pipe(
  Layer.provideMerge(Wakes.layer),
  Layer.provideMerge(StoresSql.layer),
  Layer.provideMerge(EmbeddedDatabase.layer),
  Layer.provideMerge(IdentityMemory.layer),
  Layer.provideMerge(SecureRandom.layerWebCrypto)
)

const careless = Effect.flatMap(SqlClient.SqlClient, (sql) => Effect.ignore(sql`INSERT INTO no_such_table VALUES (1)`))

layer(services, { excludeTestServices: true })("a careless protocol", (it) => {
  it.effect("that is asked whether a message is still necessary has it sent, and others are asked all the same", () =>
    Effect.gen(function* () {
      const Words = Protocol.make("words", {
        messages: Schema.String,
        handle: () => Effect.void,
        isStillNecessary: (word) => (word === "careless" ? Effect.as(careless, false) : Effect.succeed(word !== "old"))
      })
      const [delivery, store, peer] = [yield* Delivery, yield* RetryStore, stranger()]
      for (const word of ["careless", "old", "new", "careless"]) yield* delivery.send(peer, Words, word)
      const necessity = yield* Necessity.make(new Map([["words", Words.handled]]))
      const link = yield* store.claim(peer)
      const batch = yield* necessity(link, yield* number(store, link, wide, 0))
      assert.deepStrictEqual(
        batch.map((message) => message.void),
        [false, true, false, false]
      )
      const owed = yield* store.owed({ peer, limit: 10 })
      assert.deepStrictEqual(
        owed.map((message) => message.void),
        [false, true, false, false]
      )
    })
  )

  it.effect("that is told of an end of time lets every message go, and its own wait for another try", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const Words = Protocol.make("expiring", {
        messages: Schema.String,
        handle: () => Effect.void,
        onExpired: (word) => (word === "careless" ? careless : Effect.sync(() => void told.push(word)))
      })
      const [delivery, store, peer] = [yield* Delivery, yield* RetryStore, stranger()]
      for (const word of ["one", "careless"]) yield* delivery.send(peer, Words, word, { within: 0 })
      const { round } = yield* Expiry.make([Words.handled])
      yield* round
      assert.deepStrictEqual(yield* store.owed({ peer, limit: 10 }), [])
      assert.strictEqual(told.at(-1), "one")
      const untold = yield* AttentionStore.use((attention) => attention.untold({ limit: 10 }))
      assert.deepStrictEqual(
        untold.map(({ protocol }) => protocol),
        ["expiring"]
      )
    })
  )

  it.effect("that is told of an outcome lets every receipt be settled, and its own wait for another try", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const Words = Protocol.make("settling", {
        messages: Schema.String,
        handle: () => Effect.void,
        onOutcome: (word) => (word === "careless" ? careless : Effect.sync(() => void told.push(word)))
      })
      const [delivery, store, peer] = [yield* Delivery, yield* RetryStore, stranger()]
      for (const word of ["one", "careless"]) yield* delivery.send(peer, Words, word)
      const { settle } = yield* Settlement.make(new Map([["settling", Words.handled]]))
      const link = yield* store.claim(peer)
      yield* number(store, link, wide, 0)
      yield* settle(link, { upTo: 2n, answers: [] })
      assert.deepStrictEqual(yield* store.owed({ peer, limit: 10 }), [])
      assert.strictEqual(told.at(-1), "one")
      const untold = yield* AttentionStore.use((attention) => attention.untold({ limit: 10 }))
      assert.isTrue(untold.some(({ protocol }) => protocol === "settling"))
    })
  )

  it.effect("that is asked what needs attention hides nothing of others, in a transaction as well", () =>
    Effect.gen(function* () {
      const [attention, transactions, peer] = [yield* Attention, yield* Transactions, stranger()]
      const context = yield* Effect.context<SqlClient.SqlClient>()
      const concern = { audience: "", subject: "x", kind: "wanted", detail: "", since: 1 }
      yield* attention.include("careless", Effect.as(Effect.provide(careless, context), [concern]))
      yield* attention.include("other", Effect.succeed([{ ...concern, subject: peer }]))
      const items = yield* transactions.within(attention.list({ limit: 100 }))
      assert.isTrue(items.some(({ subject }) => subject === peer))
      assert.isTrue(items.some(({ kind, protocol }) => protocol === "careless" && kind === "attention.failed"))
    }).pipe(Effect.scoped)
  )
})
