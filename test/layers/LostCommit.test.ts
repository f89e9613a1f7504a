/**
 * The connection to PostgreSQL is lost during a COMMIT: whoever asked for the transaction learns what became of it.
 */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import { SqlClient } from "effect/sql"
import { SqlError } from "effect/sql/SqlError"
import { migrations } from "../../migrations/index.ts"
import * as IdentityMemory from "../../src/layers/IdentityMemory.ts"
import * as LostCommit from "../../src/layers/LostCommit.ts"
import * as Migrations from "../../src/layers/Migrations.ts"
import * as Postgres from "../../src/layers/Postgres.ts"
import * as RetryStoreSql from "../../src/layers/RetryStoreSql.ts"
import * as TransactionsSql from "../../src/layers/TransactionsSql.ts"
import { Delivery } from "../../src/services/delivery/Delivery.ts"
import * as Protocol from "../../src/services/delivery/Protocol.ts"
import { RetryStore } from "../../src/services/delivery/RetryStore.ts"
import { Wakes } from "../../src/services/delivery/Wakes.ts"
import { CommitUnknown, isCommitUnknown, Transactions } from "../../src/services/Transactions.ts"
import { type CommitProxy, make as proxyTo } from "../support/CommitProxy.ts"
import * as FreshDatabase from "../support/FreshDatabase.ts"
import { stranger } from "../support/Messages.ts"

const Word = Protocol.make("words", { messages: Schema.String, handle: () => Effect.void })

type Services = Delivery | RetryStore | SqlClient.SqlClient | Transactions

/** A sender whose database is behind a proxy, on so many connections. */
const sender = Effect.fnUntraced(function* (maxConnections: number) {
  const url = yield* FreshDatabase.freshDatabase
  const proxy = yield* proxyTo(url)
  const client = Postgres.layer({ url: proxy.url, maxConnections })
  const services = Delivery.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(RetryStoreSql.layer, TransactionsSql.layer, Wakes.layer)),
    Layer.provide(Layer.merge(IdentityMemory.layerFromSeed(new Uint8Array(32).fill(1)), SecureRandom.layerWebCrypto)),
    Layer.provide(Migrations.layer(migrations)),
    Layer.provideMerge(client)
  )
  const context: Context.Context<Services> = yield* Layer.build(services)
  yield* Context.get(context, SqlClient.SqlClient)`CREATE TABLE said (word text PRIMARY KEY)`
  // Past the proxy: a connection that was begun while it refused fails when it does not refuse any more.
  const sql = Context.get(yield* Layer.build(Postgres.layer({ url, maxConnections: 1 })), SqlClient.SqlClient)
  const found = Effect.fnUntraced(function* (word: string) {
    const written = yield* sql`SELECT FROM said WHERE word = ${word}`
    return { written: written.length, owed: (yield* sql`SELECT FROM holdfast_outbox`).length }
  })
  return { proxy, context, found }
})

/** What is in the database of a word that was written and sent in one transaction. */
type Found = Effect.Success<ReturnType<typeof sender>>["found"]

const say = Effect.fnUntraced(function* (word: string) {
  const sql = yield* SqlClient.SqlClient
  const delivery = yield* Delivery
  yield* sql`INSERT INTO said VALUES (${word})`
  yield* delivery.send(stranger(), Word, word)
})

const within = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Transactions, (transactions) => transactions.within(effect))

const withSender = <E>(
  maxConnections: number,
  test: (proxy: CommitProxy, found: Found) => Effect.Effect<void, E, Services>
) =>
  Effect.flatMap(sender(maxConnections), ({ context, found, proxy }) =>
    Effect.provide(test(proxy, found), context)
  ).pipe(Effect.scoped)

describe("trap 4: a COMMIT whose connection is lost", () => {
  for (const connections of [1, 5]) {
    it.live(`trap 4: has succeeded when the server has committed, with a pool of ${connections}`, () =>
      withSender(connections, (proxy, found) =>
        Effect.gen(function* () {
          const after: Array<string> = []
          const { afterCommit } = yield* Transactions
          proxy.arm("unheard")
          yield* within(Effect.andThen(say("yes"), afterCommit(Effect.sync(() => void after.push("committed")))))
          assert.strictEqual(proxy.cuts(), 1)
          assert.deepStrictEqual(yield* found("yes"), { written: 1, owed: 1 })
          assert.deepStrictEqual(after, ["committed"])
        })
      )
    )

    it.live(`trap 4: was rolled back and may be tried again when it never arrived, with a pool of ${connections}`, () =>
      withSender(connections, (proxy, found) =>
        Effect.gen(function* () {
          proxy.arm("unsent")
          const error = yield* Effect.flip(within(say("no")))
          assert.instanceOf(error, SqlError)
          assert.isTrue(error.isRetryable)
          assert.include(error.message, "rolled back: try again")
          assert.deepStrictEqual(yield* found("no"), { written: 0, owed: 0 })
          yield* within(say("no"))
          assert.deepStrictEqual(yield* found("no"), { written: 1, owed: 1 })
        })
      )
    )
  }

  it.live("trap 4: is ended at the server when that does not notice, and then rolled back", () =>
    withSender(2, (proxy, found) =>
      Effect.gen(function* () {
        proxy.arm("frozen")
        const error = yield* Effect.flip(within(say("held")))
        assert.instanceOf(error, SqlError)
        assert.include(error.message, "rolled back: try again")
        // Its row would be locked if the transaction were still open.
        yield* within(say("held"))
        assert.deepStrictEqual(yield* found("held"), { written: 1, owed: 1 })
      })
    )
  )

  it.live("trap 4: is told to everybody who shares it with sendNow", () =>
    withSender(2, (proxy, found) =>
      Effect.gen(function* () {
        const delivery = yield* Delivery
        const peer = stranger()
        // Its link is there afterwards: the first message to anybody makes it in a statement before.
        yield* delivery.sendNow(peer, Word, "first")
        const send = Effect.result(delivery.sendNow(peer, Word, "now"))
        const all = Effect.all([send, send, send], { concurrency: "unbounded" })
        proxy.arm("unheard", "INSERT INTO holdfast_outbox")
        assert.deepStrictEqual(
          (yield* all).map((result) => result._tag),
          ["Success", "Success", "Success"]
        )
        assert.strictEqual((yield* found("now")).owed, 4)
        assert.strictEqual(proxy.cuts(), 1)
      })
    )
  )

  it.live("trap 4: is unknown to senders whose messages are not there, rolled back or done with", () =>
    withSender(2, (proxy, found) =>
      Effect.gen(function* () {
        const delivery = yield* Delivery
        proxy.arm("unsent", "INSERT INTO holdfast_outbox")
        const error = yield* Effect.flip(delivery.sendNow(stranger(), Word, "never"))
        assert.isTrue(error instanceof SqlError && isCommitUnknown(error))
        assert.include(error.message, "they have arrived")
        assert.strictEqual((yield* found("never")).owed, 0)
      })
    )
  )

  it.live("trap 4: is unknown, and not to be tried again blindly, while the database stays away", () =>
    withSender(2, (proxy, found) =>
      Effect.gen(function* () {
        proxy.arm("unheard")
        proxy.refuse(true)
        const error = yield* Effect.flip(within(say("perhaps"))).pipe(Effect.provideService(LostCommit.Patience, 500))
        proxy.refuse(false)
        assert.instanceOf(error, SqlError)
        assert.isFalse(error.isRetryable)
        assert.isTrue(isCommitUnknown(error))
        assert.include(error.message, "its outcome is unknown")
        assert.instanceOf(error.reason.cause, CommitUnknown)
        assert.deepStrictEqual(yield* found("perhaps"), { written: 1, owed: 1 })
      })
    )
  )

  it.live("trap 4: is known as soon as the database is back", () =>
    withSender(2, (proxy, found) =>
      Effect.gen(function* () {
        proxy.arm("unheard")
        proxy.refuse(true)
        const saying = yield* Effect.forkChild(within(say("late")))
        yield* Effect.yieldNow
        while (proxy.cuts() === 0) yield* Effect.yieldNow
        proxy.refuse(false)
        yield* Fiber.join(saying)
        assert.deepStrictEqual(yield* found("late"), { written: 1, owed: 1 })
      })
    )
  )

  it.live("trap 4: is unknown when the transaction sent nothing", () =>
    withSender(2, (proxy, found) =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        proxy.arm("unheard")
        const error = yield* Effect.flip(within(sql`INSERT INTO said VALUES ('alone')`))
        assert.isTrue(error instanceof SqlError && isCommitUnknown(error))
        assert.deepStrictEqual(yield* found("alone"), { written: 1, owed: 0 })
      })
    )
  )
})
