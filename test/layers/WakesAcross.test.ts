/**
 * Wake-ups between processes: an application sends in its own transactions, and the process that runs the node hears
 * of it from the database.
 */
import { assert, layer } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Latch, Layer, Queue, Redacted, Schema, Stream } from "effect"
import { SecureRandom } from "effect/crypto"
import { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import * as IdentityMemory from "../../src/layers/IdentityMemory.ts"
import * as NoticesPostgres from "../../src/layers/NoticesPostgres.ts"
import * as Postgres from "../../src/layers/Postgres.ts"
import * as RetryStoreSql from "../../src/layers/RetryStoreSql.ts"
import * as SenderSql from "../../src/layers/SenderSql.ts"
import * as WakeListening from "../../src/layers/WakeListening.ts"
import type { NodeKey } from "../../src/protocol/NodeKey.ts"
import { Delivery } from "../../src/services/delivery/Delivery.ts"
import { Notices, wakeChannel } from "../../src/services/delivery/Notices.ts"
import * as Protocol from "../../src/services/delivery/Protocol.ts"
import { LinkFenced, RetryStore } from "../../src/services/delivery/RetryStore.ts"
import { Wakes } from "../../src/services/delivery/Wakes.ts"
import { Transactions } from "../../src/services/Transactions.ts"
import * as FreshDatabase from "../support/FreshDatabase.ts"
import { stranger } from "../support/Messages.ts"
import { PostgresServer } from "../support/PostgresServer.ts"

const Word = Protocol.make("word", { messages: Schema.Struct({ text: Schema.String }), handle: () => Effect.void })

const common = Layer.merge(SecureRandom.layerWebCrypto, IdentityMemory.layerFromSeed(new Uint8Array(32).fill(1)))
const sender = SenderSql.layer.pipe(Layer.provideMerge(FreshDatabase.layer), Layer.provideMerge(common))
const suite = layer(
  sender.pipe(Layer.provideMerge(NoticesPostgres.layer.pipe(Layer.provideMerge(FreshDatabase.layer)))),
  {
    excludeTestServices: true
  }
)

/** Everything that is said, after a word of the test's own that tells that nothing before it is still on its way. */
const until = Effect.fnUntraced(function* (said: Queue.Dequeue<string, SqlError>, word: string) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`SELECT pg_notify(${wakeChannel}, ${word})`
  const heard: Array<string> = []
  while (true) {
    const next = yield* Queue.take(said)
    if (next === word) return heard
    heard.push(next)
  }
})

/** The wakes of a process that runs the node and listens. */
const listening = Effect.gen(function* () {
  const wakes = Context.get(yield* Layer.build(Layer.fresh(Wakes.layer)), Wakes)
  const woken = yield* Queue.unbounded<NodeKey | "everybody">()
  const observed = Wakes.of({
    ...wakes,
    wake: (peer) => Effect.andThen(wakes.wake(peer), Queue.offer(woken, peer)),
    wakeAll: Effect.andThen(wakes.wakeAll, Queue.offer(woken, "everybody"))
  })
  yield* Layer.build(Layer.fresh(WakeListening.layer).pipe(Layer.provide(Layer.succeed(Wakes, observed))))
  assert.strictEqual(yield* Queue.take(woken), "everybody")
  return { wakes, woken }
})

suite("an application that sends for a node that another process runs", (it) => {
  it.effect("wakes that process after its commit, and leaves the node's incarnation and links alone", () =>
    Effect.gen(function* () {
      const { within } = yield* Transactions
      const delivery = yield* Delivery
      const store = yield* RetryStore
      const node = Context.get(yield* Layer.build(Layer.fresh(RetryStoreSql.layer)), RetryStore)
      const { wakes, woken } = yield* listening
      const peer = stranger()
      const latch = yield* wakes.attach(peer)
      latch.close()
      yield* within(delivery.send(peer, Word, { text: "x" }))
      assert.strictEqual(yield* Queue.take(woken), peer)
      assert.isTrue(latch.isOpen)
      const again = Context.get(yield* Layer.build(Layer.fresh(RetryStoreSql.sending)), RetryStore)
      assert.strictEqual(again.incarnation, node.incarnation)
      assert.deepStrictEqual(yield* Effect.flip(store.claim(peer)), new LinkFenced({ peer, epoch: 0n }))
      assert.strictEqual((yield* node.claim(peer)).epoch, 1n)
    }).pipe(Effect.scoped)
  )

  it.effect("has its peers looked for that have no session", () =>
    Effect.gen(function* () {
      const { wakes } = yield* listening
      const peer = stranger()
      const found = yield* Deferred.make<NodeKey>()
      yield* wakes.unattended.pipe(
        Stream.runForEach((peer) => Deferred.succeed(found, peer)),
        Effect.forkScoped({ startImmediately: true })
      )
      yield* (yield* Delivery).sendNow(peer, Word, { text: "x" })
      assert.strictEqual(yield* Deferred.await(found), peer)
    }).pipe(Effect.scoped)
  )
})

suite("trap 7: NOTIFY", (it) => {
  it.effect("says nothing of a transaction before its commit, and nothing at all of one that was rolled back", () =>
    Effect.gen(function* () {
      const { within } = yield* Transactions
      const delivery = yield* Delivery
      const said = yield* (yield* Notices).listen(wakeChannel)
      const peer = stranger()
      yield* Effect.exit(within(Effect.andThen(delivery.send(stranger(), Word, { text: "x" }), Effect.fail("no"))))
      const sent = yield* Deferred.make<void>()
      const asked = yield* Effect.forkChild(Effect.andThen(Deferred.await(sent), until(said, "before")))
      const meanwhile = yield* within(
        Effect.gen(function* () {
          yield* delivery.send(peer, Word, { text: "x" })
          yield* Deferred.succeed(sent, undefined)
          return yield* Fiber.join(asked)
        })
      )
      assert.deepStrictEqual(meanwhile, [])
      assert.strictEqual(yield* Queue.take(said), peer)
      assert.deepStrictEqual(yield* until(said, "after"), [])
    }).pipe(Effect.scoped)
  )

  it.effect("is said once for all that was committed while the last one was under way", () =>
    Effect.gen(function* () {
      const { within } = yield* Transactions
      const delivery = yield* Delivery
      const said = yield* (yield* Notices).listen(wakeChannel)
      const peers = [stranger(), stranger(), stranger()]
      const send = (peer: NodeKey) => within(delivery.send(peer, Word, { text: "x" }))
      const all = Array.from({ length: 100 }, () => peers).flat()
      yield* Effect.forEach(all, send, { concurrency: 20, discard: true })
      const heard = yield* until(said, "end")
      console.log(`300 transactions to 3 peers: ${heard.length} notices`)
      assert.isBelow(heard.length, all.length)
      assert.deepStrictEqual(new Set(heard.flatMap((notice) => notice.split(","))), new Set<string>(peers))
    }).pipe(Effect.scoped)
  )

  it.effect("names nobody when the names of all would not fit, and everybody is woken", () =>
    Effect.gen(function* () {
      const { within } = yield* Transactions
      const delivery = yield* Delivery
      const said = yield* (yield* Notices).listen(wakeChannel)
      const { woken } = yield* listening
      yield* within(
        Effect.forEach(Array.from({ length: 130 }, stranger), (peer) => delivery.send(peer, Word, { text: "x" }), {
          discard: true
        })
      )
      const heard = [yield* Queue.take(said)]
      while (heard.at(-1) !== "") heard.push(yield* Queue.take(said))
      let last: NodeKey | "everybody" = yield* Queue.take(woken)
      while (last !== "everybody") last = yield* Queue.take(woken)
    }).pipe(Effect.scoped)
  )
})

/** The server's processes whose last statement was LISTEN. */
const listeners = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ pid: number }>`
    SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'LISTEN%'`
  return rows.map(({ pid }) => pid)
})

suite("trap 8: a listener that lost its connection", (it) => {
  it.effect("hears again, and looks at once for what was said meanwhile", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const delivery = yield* Delivery
      // Those of other tests, which may still be closing.
      const others = yield* listeners
      const { wakes, woken } = yield* listening
      const [attached, other] = [stranger(), stranger()]
      const latch = yield* wakes.attach(attached)
      const everybody = yield* Latch.make()
      yield* wakes.everybody.pipe(
        Stream.runForEach(() => everybody.open),
        Effect.forkScoped({ startImmediately: true })
      )
      latch.close()
      const ours = (yield* listeners).filter((pid) => !others.includes(pid))
      assert.lengthOf(ours, 1)
      yield* sql`SELECT pg_terminate_backend(${ours[0]}::integer, 60000)`
      // Nobody hears this one.
      yield* sql`SELECT pg_notify(${wakeChannel}, ${attached})`
      yield* latch.wait
      yield* everybody.await
      assert.strictEqual(yield* Queue.take(woken), "everybody")
      yield* delivery.sendNow(other, Word, { text: "x" })
      assert.strictEqual(yield* Queue.take(woken), other)
    }).pipe(Effect.scoped)
  )
})

const prepared = Layer.unwrap(
  Effect.gen(function* () {
    const server = yield* PostgresServer
    return Postgres.layer({ url: Redacted.make(Redacted.value(yield* server.createDatabase)) })
  })
).pipe(Layer.provide(PostgresServer.layer({ settings: { max_prepared_transactions: "2" } })))

layer(SenderSql.layer.pipe(Layer.provideMerge(prepared), Layer.provide(common)), { excludeTestServices: true })(
  "trap 7: the sender's transaction",
  (it) => {
    it.effect("has no NOTIFY in it, for which all commits would wait for each other", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const delivery = yield* Delivery
        // The server refuses to prepare a transaction that has executed NOTIFY.
        yield* sql.withTransaction(
          Effect.andThen(delivery.send(stranger(), Word, { text: "x" }), sql`PREPARE TRANSACTION 'sent'`)
        )
        yield* sql`COMMIT PREPARED 'sent'`
        assert.lengthOf(yield* (yield* RetryStore).owed({ limit: 10 }), 1)
      })
    )
  }
)
