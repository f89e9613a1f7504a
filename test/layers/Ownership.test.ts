import { assert, layer } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Logger, Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import { SqlClient } from "effect/sql"
import { migrations } from "../../migrations/index.ts"
import * as DatabaseOwner from "../../src/layers/DatabaseOwner.ts"
import * as FeedStoreSql from "../../src/layers/FeedStoreSql.ts"
import * as IdentityMemory from "../../src/layers/IdentityMemory.ts"
import * as Migrations from "../../src/layers/Migrations.ts"
import { make as statements } from "../../src/layers/ownership/Lease.ts"
import * as OwnershipSql from "../../src/layers/OwnershipSql.ts"
import * as RetryStoreSql from "../../src/layers/RetryStoreSql.ts"
import { CurrentTerm, DatabaseTaken, Ownership, type Term } from "../../src/services/delivery/Ownership.ts"
import { LinkFenced, RetryStore } from "../../src/services/delivery/RetryStore.ts"
import { Identity } from "../../src/services/link/Identity.ts"
import * as FreshDatabase from "../support/FreshDatabase.ts"
import { batch, messages, settling, stranger, uuid, wide, number } from "../support/Messages.ts"

const database = Migrations.layer(migrations).pipe(
  Layer.provideMerge(FreshDatabase.layer),
  Layer.provideMerge(SecureRandom.layerWebCrypto)
)

const identityOf = (seed: number) => IdentityMemory.layerFromSeed(new Uint8Array(32).fill(seed))

/** A process that wants to own the node. */
const agent = (options: OwnershipSql.Options = {}) =>
  Layer.build(Layer.fresh(OwnershipSql.layer(options).pipe(Layer.provide([FeedStoreSql.layer, identityOf(1)])))).pipe(
    Effect.map((context) => Context.get(context, Ownership))
  )

/** What a process has that begins to own it: its term, its store, and how it ends. */
const owner = Effect.fnUntraced(function* (options: OwnershipSql.Options = {}) {
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer((exit) => Scope.close(scope, exit))
  const term = yield* Scope.provide(
    Effect.flatMap(agent(options), ({ own }) => own),
    scope
  )
  return { term, store: yield* Scope.provide(storeOf(term), scope), end: Scope.close(scope, Exit.void) }
})

const storeOf = (term: Term) =>
  Layer.build(Layer.fresh(RetryStoreSql.layer.pipe(Layer.provide(Layer.succeed(CurrentTerm, term))))).pipe(
    Effect.map((context) => Context.get(context, RetryStore))
  )

/** A process that stands by, once it does. */
const standby = Effect.fnUntraced(function* (options: OwnershipSql.Options = {}) {
  const standing = yield* Deferred.make<void>()
  const onStandby = Effect.asVoid(Deferred.succeed(standing, undefined))
  const fiber = yield* Effect.forkChild(owner({ ...options, onStandby }))
  yield* Deferred.await(standing)
  return fiber
})

/** The sessions that hold an advisory lock of this database. */
const holders = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ readonly pid: number }>`
    SELECT pid FROM pg_locks
    WHERE locktype = 'advisory' AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
  return rows.map(({ pid }) => pid)
})

const endHolders = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const pid of yield* holders) yield* sql`SELECT pg_terminate_backend(${pid})`
})

/** Leaves the owner its session and its term, as one that is frozen, with a lease that is over. */
const freeze = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`UPDATE holdfast_lease SET lease_until = clock_timestamp() - interval '1 second'`
  // The session must have done nothing for a second.
  yield* sql`SELECT pg_sleep(1.1)`
})

/** When the lease is over, in milliseconds from the beginning of the transaction. */
const fromStart = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ readonly millis: bigint }>`
    SELECT floor(extract(epoch FROM lease_until - now()) * 1000)::bigint AS millis FROM holdfast_lease`
  return Number(row?.millis ?? 0n)
})

/** A lease that is not renewed within a test. */
const long = { lease: "5 minutes" } as const

const suite = layer(database, { excludeTestServices: true })

suite("the owner of a node", (it) => {
  it.effect("is one process, until that gives the node up", () =>
    Effect.gen(function* () {
      const first = yield* owner()
      assert.isFalse(first.term.stoodBy)
      assert.instanceOf(yield* Effect.flip(owner({ standby: false })), DatabaseTaken)
      yield* first.end
      assert.deepStrictEqual(yield* holders, [])
      const second = yield* owner({ standby: false })
      assert.strictEqual(second.term.incarnation, (first.term.incarnation ?? 0n) + 1n)
    }).pipe(Effect.scoped)
  )

  it.effect("is followed by a stand-by as soon as its connection ends, long before its lease does", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const first = yield* owner(long)
      const second = yield* standby(long)
      yield* endHolders
      const { term } = yield* Fiber.join(second)
      assert.isTrue(term.stoodBy)
      assert.strictEqual(term.incarnation, (first.term.incarnation ?? 0n) + 1n)
      const [event] = yield* sql`SELECT kind, body FROM holdfast_events ORDER BY id DESC LIMIT 1`
      assert.strictEqual(event?.["kind"], "node.taken-over")
    }).pipe(Effect.scoped)
  )

  it.effect("may still run when its session is gone and another process owns the node at once", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const node = Context.get(yield* Layer.build(identityOf(1)), Identity).key
      // Its session is gone with the lock, and it has not made another one yet.
      const former = statements(sql, { node, agent: uuid(), lease: 300_000 })
      yield* sql.withTransaction(former.takeOver(uuid()))
      const second = yield* owner()
      assert.isTrue(second.term.stoodBy)
      yield* second.end
      const third = yield* owner()
      assert.isFalse(third.term.stoodBy)
    }).pipe(Effect.scoped)
  )

  it.effect("is followed by a stand-by when it is frozen and its lease is over", () =>
    Effect.gen(function* () {
      // It renews its lease every five seconds, and learns then that its session is lost.
      const first = yield* owner({ lease: "15 seconds" })
      yield* freeze
      const { term } = yield* Fiber.join(yield* standby(long))
      assert.isTrue(term.stoodBy)
      // The former owner learns it from its lost session.
      assert.include(yield* first.term.over, "taken")
    }).pipe(Effect.scoped)
  )

  it.effect("keeps its term when its connection is lost and nobody stands by", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { term } = yield* owner()
      const before = yield* holders
      const renewed = sql<{ readonly term: bigint }>`
        SELECT term FROM holdfast_lease WHERE lease_until > clock_timestamp() + interval '9 seconds'`
      yield* endHolders
      yield* sql`UPDATE holdfast_lease SET lease_until = clock_timestamp() + interval '1 second'`
      const rows = yield* Effect.repeat(renewed, { until: (rows) => rows.length > 0 })
      assert.strictEqual(rows[0]?.term, term.incarnation)
      yield* Effect.repeat(holders, { until: (after) => after.length === 1 && after[0] !== before[0] })
    }).pipe(Effect.scoped)
  )

  it.effect("loses the node when it cannot renew its lease in time", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { term } = yield* owner({ lease: "500 millis" })
      const why = yield* sql.withTransaction(Effect.andThen(sql`SELECT 1 FROM holdfast_lease FOR UPDATE`, term.over))
      assert.include(why, "could not be renewed in time")
    }).pipe(Effect.scoped)
  )

  it.effect("need not be waited for when a transaction that it left open holds a link", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const first = yield* owner(long)
      const link = yield* first.store.claim(stranger())
      const held = yield* Deferred.make<void>()
      // Of a frozen process: nobody will ever end it.
      const open = Effect.andThen(
        first.store.receiving(link),
        Effect.andThen(Deferred.succeed(held, undefined), Effect.never)
      )
      const frozen = yield* Effect.forkChild(Effect.exit(sql.withTransaction(open)))
      yield* Deferred.await(held)
      const second = yield* standby(long)
      yield* endHolders
      const { store, term } = yield* Fiber.join(second)
      assert.isTrue(term.stoodBy)
      assert.strictEqual((yield* store.claim(link.peer)).epoch, link.epoch + 2n)
      yield* Fiber.interrupt(frozen)
    }).pipe(Effect.scoped)
  )

  it.effect("does not count a lease that was given up as taken over", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const events = sql`SELECT 1 FROM holdfast_events WHERE kind = 'node.taken-over'`
      const first = yield* owner()
      const before = (yield* events).length
      yield* first.end
      yield* owner()
      assert.strictEqual((yield* events).length, before)
    }).pipe(Effect.scoped)
  )
})

suite("a database", (it) => {
  it.effect("stays that of the node that was there first", () =>
    Effect.gen(function* () {
      const start = (seed: number) =>
        Layer.build(Layer.fresh(DatabaseOwner.layer.pipe(Layer.provide(identityOf(seed)))))
      yield* Effect.scoped(start(1))
      yield* Effect.scoped(start(1))
      const refused = yield* Effect.flip(Effect.scoped(start(2)))
      assert.instanceOf(refused, DatabaseOwner.DatabaseOfAnother)
      assert.include(refused.message, refused.owner.slice(0, 8))
    })
  )
})

suite("trap 3: two pumps for one peer", (it) => {
  it.effect("the former owner's writes are refused after a take-over, and it can claim nothing any more", () =>
    Effect.gen(function* () {
      const former = yield* owner(long)
      const peer = stranger()
      yield* former.store.enqueue(messages(peer, 3), 1_000)
      const link = yield* former.store.claim(peer)
      const [first] = yield* number(former.store, link, { messages: 1, bytes: 1 }, 1_000)
      assert.strictEqual(first?.seq, 1n)
      const second = yield* standby(long)
      yield* endHolders
      // Before the new owner has claimed the link itself.
      const { store } = yield* Fiber.join(second)

      const attempts = {
        number: number(former.store, link, wide, 1_000),
        numbered: former.store.numbered(link, 0n, wide),
        positions: former.store.positions(link),
        settle: former.store.settle(link, { upTo: 1n, answers: [] }, settling(1_000)),
        receiving: former.store.receiving(link),
        received: former.store.received(link, batch({ stream: uuid(), position: 1n }), 1_000),
        restart: former.store.restart(link, uuid(), 0n),
        claim: former.store.claim(peer)
      }
      for (const [what, attempt] of Object.entries(attempts)) {
        const exit = yield* Effect.exit(Effect.asVoid(attempt))
        const epoch = what === "claim" ? 0n : link.epoch
        assert.deepStrictEqual(exit, Exit.fail(new LinkFenced({ peer, epoch })), what)
      }
      const owed = yield* store.owed({ peer, limit: 10 })
      assert.deepStrictEqual(
        owed.map(({ seq }) => seq),
        [1n, undefined, undefined]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("a claim that was under way when the node was taken over comes to nothing", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const former = yield* owner(long)
      const peer = stranger()
      yield* former.store.claim(peer)
      // The take-over stands still between its first statement and the others.
      const lease = statements(sql, {
        node: Context.get(yield* Layer.build(identityOf(1)), Identity).key,
        agent: uuid(),
        lease: 300_000
      })
      const begun = yield* Deferred.make<void>()
      const claiming = yield* Effect.forkChild(
        Effect.andThen(Deferred.await(begun), Effect.exit(former.store.claim(peer)))
      )
      yield* sql.withTransaction(
        Effect.gen(function* () {
          yield* lease.takeOver(uuid())
          const pid = yield* lease.pid
          yield* Deferred.succeed(begun, undefined)
          // In a transaction the activity of sessions is what it was at the first look, and of none that came later.
          const waiting = sql`SELECT 1 FROM pg_locks WHERE NOT granted AND ${pid} = ANY(pg_blocking_pids(pid))`
          yield* Effect.repeat(waiting, { until: (rows) => rows.length > 0 })
        })
      )
      assert.deepStrictEqual(yield* Fiber.join(claiming), Exit.fail(new LinkFenced({ peer, epoch: 0n })))
    }).pipe(Effect.scoped)
  )
})

suite("trap 9: a lease", (it) => {
  it.effect("is judged by the database's clock at that moment, not by the start of a transaction", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const node = Context.get(yield* Layer.build(identityOf(1)), Identity).key
      const lease = statements(sql, { node, agent: uuid(), lease: 300_000 })
      yield* sql.withTransaction(
        Effect.gen(function* () {
          const { term } = yield* lease.takeOver(uuid())
          const before = yield* fromStart
          const left = (yield* lease.left) ?? 0
          assert.isAbove(left, 0)
          yield* sql`SELECT pg_sleep(0.35)`
          assert.isAtMost((yield* lease.left) ?? left, left - 350)
          // A renewal counts from now on as well.
          assert.isTrue(yield* lease.renew(term))
          assert.isAtLeast(yield* fromStart, before + 350)
          yield* sql`UPDATE holdfast_lease SET lease_until = clock_timestamp()`
          assert.isAtMost((yield* lease.left) ?? 1, 0)
        })
      )
    }).pipe(Effect.scoped)
  )

  it.effect("runs from the end of a take-over that had to wait", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const node = Context.get(yield* Layer.build(identityOf(1)), Identity).key
      const lease = statements(sql, { node, agent: uuid(), lease: 10_000 })
      const until = yield* sql.withTransaction(
        Effect.andThen(sql`SELECT pg_sleep(0.5)`, Effect.andThen(lease.takeOver(uuid()), fromStart))
      )
      assert.isAtLeast(until, 10_500)
    })
  )
})

suite("an owner that stands by again", (it) => {
  it.effect("says once that it stands by", () =>
    Effect.gen(function* () {
      const said: Array<string> = []
      const logger = Logger.make(({ message }) => void said.push(String(message)))
      yield* owner(long)
      const second = yield* Effect.provide(standby({ lease: "150 millis" }), Logger.layer([logger]))
      yield* (yield* SqlClient.SqlClient)`SELECT pg_sleep(0.4)`
      yield* Fiber.interrupt(second)
      assert.lengthOf(
        said.filter((line) => line.startsWith("Standing by")),
        1
      )
    }).pipe(Effect.scoped)
  )
})
