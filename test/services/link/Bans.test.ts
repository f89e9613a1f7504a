import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Exit, Layer, Scope } from "effect"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import { TestClock } from "effect/testing"
import * as BanStoreMemory from "../../../src/layers/BanStoreMemory.ts"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import * as PeerBookMemory from "../../../src/layers/PeerBookMemory.ts"
import * as Ban from "../../../src/protocol/link/Ban.ts"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
import { BanPolicy, Bans, BansFull, type Closable, make } from "../../../src/services/link/Bans.ts"
import { BanStore } from "../../../src/services/link/BanStore.ts"
import { PeerBook } from "../../../src/services/link/PeerBook.ts"
import { stranger } from "../../support/Messages.ts"

const minute = 60_000
const hour = 60 * minute
const lost = new SqlError({ reason: new ConnectionError({ cause: new Error("down"), message: "down" }) })

/** The bans of a node over a database that outlives its processes. `live` are its connections, `closed` those that it ended. */
const house = Effect.gen(function* () {
  const database = yield* MemoryDatabase.make
  const closed: Array<readonly [peer: NodeKey, reason: string, forMillis: number]> = []
  const live: Array<Closable> = []
  let isDown = false
  const failing = Layer.effect(
    BanStore,
    Effect.map(BanStore, (store) => {
      const through = <A>(effect: Effect.Effect<A, SqlError>) =>
        Effect.suspend(() => (isDown ? Effect.fail(lost) : effect))
      return BanStore.of({
        all: (limit) => through(store.all(limit)),
        put: (bans) => through(store.put(bans)),
        remove: (subjects) => through(store.remove(subjects))
      })
    })
  ).pipe(Layer.provide(BanStoreMemory.layer))
  const stores = Layer.merge(failing, PeerBookMemory.layer).pipe(Layer.provide(Layer.succeed(MemoryDatabase, database)))
  const start = (policy: Partial<Ban.Policy> = {}) =>
    Effect.gen(function* () {
      const scope = yield* Scope.fork(yield* Effect.scope)
      const bans = Layer.effect(
        Bans,
        make(() => live)
      ).pipe(Layer.provideMerge(stores), Layer.provide(Layer.succeed(BanPolicy, { ...Ban.defaults, ...policy })))
      const context = yield* Scope.provide(Layer.build(Layer.fresh(bans)), scope)
      return {
        bans: Context.get(context, Bans),
        book: Context.get(context, PeerBook),
        stored: Context.get(context, BanStore).all(10_000),
        stop: Scope.close(scope, Exit.void)
      }
    })
  return {
    start,
    closed,
    session: (peer: NodeKey, host: string) =>
      live.push({ peer, connection: { host }, keepOut: (...why) => void closed.push([peer, ...why]) }),
    setDown: (down: boolean) => void (isDown = down)
  }
})

/** Lets what was begun go as far as it can. */
const settle = TestClock.adjust(1)

describe("Bans", () => {
  it.effect("keep out a key that has proven its malice, for ten minutes and then for twenty", () =>
    Effect.gen(function* () {
      const { closed, session, start } = yield* house
      const { bans } = yield* start()
      const [peer, other] = [stranger(), stranger()]
      for (const it of [peer, other]) session(it, "10.0.0.1")
      assert.isUndefined(bans.ofPeer(peer))
      bans.report("oversized-frame", { peer, host: "10.0.0.1" }, "5000000 bytes announced")
      yield* settle
      assert.deepInclude(bans.ofPeer(peer), { by: "rule", times: 1, until: 10 * minute })
      assert.include(bans.ofPeer(peer)!.reason, "5000000 bytes announced")
      assert.deepStrictEqual(closed, [[peer, bans.ofPeer(peer)!.reason, 10 * minute]])
      assert.isUndefined(bans.ofPeer(other))
      assert.isUndefined(bans.ofHost("10.0.0.1"), "the key was proven, so its host has nothing to do with it")
      yield* TestClock.adjust(10 * minute)
      assert.isUndefined(bans.ofPeer(peer))
      bans.report("bad-signature", { peer }, "of a chit")
      yield* settle
      assert.deepInclude(bans.ofPeer(peer), { times: 2, reason: `${Ban.offences["bad-signature"].what}: of a chit` })
      assert.strictEqual(bans.ofPeer(peer)!.until! - bans.ofPeer(peer)!.since, 20 * minute)
    })
  )

  it.effect(
    "keep out a host whose strangers make no sense for the third time, and no proven peer that lives there",
    () =>
      Effect.gen(function* () {
        const { closed, session, start } = yield* house
        const { bans } = yield* start()
        const peer = stranger()
        session(peer, "2001:db8::5")
        for (const host of ["2001:db8::1", "2001:db8::2"]) bans.report("wrong-magic", { host, peer }, "GET /")
        yield* settle
        assert.isUndefined(bans.ofHost("2001:db8::1"))
        bans.report("oversized-handshake", { host: "2001:db8::3" }, "60000 bytes")
        yield* settle
        assert.deepInclude(bans.ofHost("2001:db8::9"), { by: "rule", subject: Ban.ofHost("2001:db8::") })
        assert.isUndefined(bans.ofHost("2001:db8:0:1::1"))
        assert.isUndefined(bans.ofPeer(peer))
        assert.deepStrictEqual(closed, [])
      })
  )

  it.effect("come upon a key that offends from loopback, and upon nobody else there", () =>
    Effect.gen(function* () {
      const { start } = yield* house
      const { bans } = yield* start()
      const peer = stranger()
      for (let n = 0; n < 10; n++) bans.report("oversized-frame", { host: "127.0.0.1", peer }, "")
      yield* settle
      assert.deepInclude(bans.ofPeer(peer), { by: "rule", subject: Ban.ofPeer(peer) })
      assert.isUndefined(bans.ofHost("127.0.0.1"))
      assert.lengthOf(bans.list(), 1)
    })
  )

  it.effect("forgive a host its tries after a while", () =>
    Effect.gen(function* () {
      const { start } = yield* house
      const { bans } = yield* start()
      for (let n = 0; n < 50; n++) {
        bans.report("wrong-magic", { host: "10.0.0.1" }, "GET /")
        yield* TestClock.adjust(6 * minute)
      }
      assert.deepStrictEqual(bans.list(), [])
    })
  )

  it.effect("do not come upon loopback, nor upon a peer that somebody asked for", () =>
    Effect.gen(function* () {
      const { start } = yield* house
      const { bans, book } = yield* start()
      const peer = stranger()
      yield* book.want(peer, undefined)
      for (let n = 0; n < 10; n++) {
        for (const host of ["127.0.0.1", "::1", "::ffff:127.0.0.2"]) bans.report("wrong-magic", { host }, "")
        bans.report("oversized-frame", { peer }, "")
      }
      yield* settle
      assert.deepStrictEqual(bans.list(), [])
      yield* book.unwant(peer)
      bans.report("oversized-frame", { peer }, "")
      yield* settle
      assert.lengthOf(bans.list(), 1)
    })
  )

  it.effect("of an operator close every session of a key or of a host, and last until they are lifted", () =>
    Effect.gen(function* () {
      const { closed, session, start } = yield* house
      const { bans, book, stored } = yield* start()
      const [a, b, c] = [stranger(), stranger(), stranger()]
      session(a, "10.0.0.1")
      session(b, "::ffff:10.0.0.2")
      session(c, "10.0.0.3")
      yield* book.want(a, undefined)
      yield* bans.order(Ban.ofPeer(a), { reason: "spam\u001b[1m\n" })
      yield* bans.order(Ban.ofHost("10.0.0.2"), { reason: "spam" })
      assert.deepStrictEqual(
        closed.map(([peer]) => peer),
        [a, b]
      )
      assert.strictEqual(bans.ofPeer(a)?.reason, "spam [1m ")
      assert.lengthOf(yield* stored, 2)
      yield* TestClock.adjust(1_000_000 * hour)
      assert.isDefined(bans.ofPeer(a))
      assert.isDefined(bans.ofHost("10.0.0.2"))
      assert.isTrue(yield* bans.lift(Ban.ofPeer(a)))
      assert.isFalse(yield* bans.lift(Ban.ofPeer(a)))
      assert.isUndefined(bans.ofPeer(a))
      assert.lengthOf(yield* stored, 1)
    })
  )

  it.effect("end by themselves if they were to, and are listed while they last, the newest first", () =>
    Effect.gen(function* () {
      const { start } = yield* house
      const { bans } = yield* start()
      const first = Ban.ofPeer(stranger())
      yield* bans.order(first, { reason: "", forMillis: hour })
      yield* TestClock.adjust(1)
      yield* bans.order(Ban.ofHost("10.0.0.1"), { reason: "", forMillis: minute })
      assert.deepStrictEqual(
        bans.list().map(({ subject }) => subject),
        [Ban.ofHost("10.0.0.1"), first]
      )
      yield* TestClock.adjust(minute)
      assert.deepStrictEqual(
        bans.list().map(({ subject }) => subject),
        [first]
      )
      assert.isFalse(yield* bans.lift(Ban.ofHost("10.0.0.1")), "it is over")
    })
  )

  it.effect("outlast the process, and so does what they count", () =>
    Effect.gen(function* () {
      const { start } = yield* house
      const peer = stranger()
      const before = yield* start()
      yield* before.bans.order(Ban.ofHost("10.0.0.1"), { reason: "spam" })
      before.bans.report("impossible-number", { peer }, "")
      while (before.bans.ofPeer(peer) === undefined) yield* Effect.yieldNow
      yield* before.stop
      const after = yield* start()
      assert.deepStrictEqual(after.bans.list(), before.bans.list())
      assert.lengthOf(after.bans.list(), 2)
      yield* TestClock.adjust(10 * minute)
      after.bans.report("impossible-number", { peer }, "")
      yield* settle
      assert.strictEqual(after.bans.ofPeer(peer)?.times, 2)
      yield* after.stop
      yield* TestClock.adjust(72 * hour)
      const later = yield* start()
      yield* settle
      assert.deepStrictEqual(
        (yield* later.stored).map(({ subject }) => subject),
        [Ban.ofHost("10.0.0.1")],
        "what is forgotten is not kept"
      )
    })
  )

  it.effect("hold while the database does not answer, and are written when it does", () =>
    Effect.gen(function* () {
      const { setDown, start } = yield* house
      const { bans, stored } = yield* start()
      const [asked, lifted, offender] = [Ban.ofPeer(stranger()), Ban.ofPeer(stranger()), stranger()]
      yield* bans.order(lifted, { reason: "" })
      setDown(true)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(bans.order(asked, { reason: "" }))))
      assert.isTrue(Exit.isFailure(yield* Effect.exit(bans.lift(lifted))))
      bans.report("oversized-frame", { peer: offender }, "")
      yield* settle
      const inForce = [asked, Ban.ofPeer(offender)]
      assert.sameMembers(
        bans.list().map(({ subject }) => subject),
        inForce
      )
      setDown(false)
      assert.deepStrictEqual(
        (yield* stored).map(({ subject }) => subject),
        [lifted]
      )
      yield* TestClock.adjust(5_000)
      assert.sameMembers(
        (yield* stored).map(({ subject }) => subject),
        inForce
      )
    })
  )

  it.effect("are kept within their number, and an operator's is refused beyond it", () =>
    Effect.gen(function* () {
      const { start } = yield* house
      const { bans, stored } = yield* start({ maxBans: 20 })
      const clock = yield* Clock.Clock
      const orders = Array.from({ length: 5 }, () => Ban.ofPeer(stranger()))
      for (const subject of orders) yield* bans.order(subject, { reason: "" })
      for (let n = 0; n < 100; n++) {
        bans.report("oversized-frame", { peer: stranger() }, "")
        yield* settle
        assert.isAtMost(bans.list().length, 20)
        assert.isAtMost((yield* stored).length, 20)
      }
      assert.includeMembers(
        bans.list().map(({ subject }) => subject),
        orders
      )
      assert.isAtMost(clock.currentTimeMillisUnsafe() - bans.list()[0]!.since, 1)
      for (let n = 0; n < 15; n++) yield* bans.order(Ban.ofHost(`10.0.0.${n}`), { reason: "" })
      const error = yield* Effect.flip(bans.order(Ban.ofHost("10.0.0.99"), { reason: "" }))
      assert.instanceOf(error, BansFull)
      yield* bans.order(orders[0]!, { reason: "another", forMillis: 1 })
      yield* settle
      yield* bans.order(Ban.ofHost("10.0.0.99"), { reason: "" })
    })
  )
})
