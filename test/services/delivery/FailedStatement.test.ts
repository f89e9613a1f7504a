import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Layer, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import { SqlClient } from "effect/sql"
import * as IdentityMemory from "../../../src/layers/IdentityMemory.ts"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import * as StoresSql from "../../../src/layers/StoresSql.ts"
import { Delivery } from "../../../src/services/delivery/Delivery.ts"
import * as Exchange from "../../../src/services/delivery/Exchange.ts"
import { Feed } from "../../../src/services/delivery/Feed.ts"
import * as Protocol from "../../../src/services/delivery/Protocol.ts"
import { Outbounds } from "../../../src/services/delivery/Outbounds.ts"
import { Wakes } from "../../../src/services/delivery/Wakes.ts"
import { Identity } from "../../../src/services/link/Identity.ts"
import * as EmbeddedDatabase from "../../support/EmbeddedDatabase.ts"
import * as DeliveryNode from "../../support/DeliveryNode.ts"
import * as SessionPair from "../../support/SessionPair.ts"

const receiver = Layer.mergeAll(Feed.layer, Wakes.layer, Outbounds.layer).pipe(
  Layer.provideMerge(StoresSql.layer),
  Layer.provideMerge(EmbeddedDatabase.layer),
  Layer.provideMerge(IdentityMemory.layerFromSeed(new Uint8Array(32).fill(2))),
  Layer.provideMerge(SecureRandom.layerWebCrypto)
)

describe("a handler that goes on after one of its statements has failed", () => {
  it.live("spoils nothing but its own message", () =>
    Effect.gen(function* () {
      const told: Array<readonly [string, string]> = []
      const allTold = yield* Deferred.make<void>()
      const sending = Protocol.make("words", {
        messages: Schema.String,
        handle: () => Effect.void,
        onOutcome: (word, outcome) =>
          Effect.sync(() => {
            told.push([word, outcome._tag])
            if (told.length === 3) Deferred.doneUnsafe(allTold, Effect.void)
          })
      })
      const receiving = Protocol.make("words", {
        messages: Schema.String,
        handle: Effect.fnUntraced(function* (word) {
          const sql = yield* SqlClient.SqlClient
          if (word === "careless") yield* Effect.ignore(sql`INSERT INTO no_such_table VALUES (1)`)
          else yield* sql`INSERT INTO words VALUES (${word})`
        })
      })
      const a = yield* DeliveryNode.start({
        seed: 1,
        database: yield* MemoryDatabase.make,
        protocols: [sending.handled]
      })
      const context = yield* Layer.build(receiver)
      const sql = Context.get(context, SqlClient.SqlClient)
      yield* sql`CREATE TABLE words (word text)`
      const run = yield* Effect.provide(
        Exchange.make([receiving.handled], () => undefined),
        context
      )
      const { key } = Context.get(context, Identity)
      const delivery = Context.get(a.context, Delivery)
      for (const word of ["one", "careless", "two"]) yield* delivery.send(key, sending, word)

      const pair = yield* SessionPair.make(DeliveryNode.keyOf(a), key)
      const fibers = [yield* Effect.forkChild(a.run(pair.left)), yield* Effect.forkChild(run(pair.right))]
      yield* Effect.raceFirst(
        Deferred.await(allTold),
        Effect.flatMap(Deferred.await(pair.closed), ({ detail }) => Effect.die(new Error(detail)))
      )
      assert.deepStrictEqual(told, [
        ["one", "Ok"],
        ["careless", "Refused"],
        ["two", "Ok"]
      ])
      assert.deepStrictEqual(yield* sql`SELECT word FROM words`, [{ word: "one" }, { word: "two" }])
      yield* Fiber.interruptAll(fibers)
    }).pipe(Effect.scoped)
  )
})
