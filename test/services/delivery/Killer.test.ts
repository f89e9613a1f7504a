/**
 * A message that ends the process, or the session, whenever it is handled; and one that is handled when that happens.
 */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Schema } from "effect"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import { TestClock } from "effect/testing"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import { Delivery } from "../../../src/services/delivery/Delivery.ts"
import * as DeliveryMeter from "../../../src/services/delivery/DeliveryMeter.ts"
import { Feed } from "../../../src/services/delivery/Feed.ts"
import * as Protocol from "../../../src/services/delivery/Protocol.ts"
import { maxAhead } from "../../../src/protocol/delivery/Sequence.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import { Transactions } from "../../../src/services/Transactions.ts"
import * as DeliveryNode from "../../support/DeliveryNode.ts"
import { uuid } from "../../support/Messages.ts"
import * as SessionPair from "../../support/SessionPair.ts"

const gone = new SqlError({ reason: new ConnectionError({ cause: new Error("gone"), message: "gone" }) })

/**
 * Databases of a sender, of another one, and of a receiver that never comes to the end of "kill", nor of "slow" and
 * "innocent" in less than 100 ms, and loses its database in the midst of the first six "unlucky", and of "waiting" while
 * it is away.
 */
const world = Effect.gen(function* () {
  const handled: Array<string> = []
  const begun: Array<string> = []
  const database = { away: false }
  const protocol = Protocol.make("words", {
    messages: Schema.String,
    subject: (word) => word,
    handle: (word) =>
      Effect.gen(function* () {
        begun.push(word)
        if (word === "kill") return yield* Effect.never
        if (word === "slow" || word === "innocent") yield* Effect.sleep("100 millis")
        if (word === "waiting" && database.away) return yield* Effect.fail(gone)
        if (word === "unlucky" && begun.length <= 6) return yield* Effect.fail(gone)
        handled.push(word)
      })
  })
  const [mine, others, theirs] = [yield* MemoryDatabase.make, yield* MemoryDatabase.make, yield* MemoryDatabase.make]
  const live = (seed: number, database: typeof mine) =>
    DeliveryNode.start({ seed, database, protocols: [protocol.handled] })
  const a = yield* live(1, mine)
  const to = DeliveryNode.keyOf(yield* live(2, theirs))
  const store = Context.get(a.context, RetryStore)
  const other = yield* live(3, others)
  /** What the receiver has named before it handled it. */
  const named: Array<string> = []
  const amend = (context: Context.Context<DeliveryNode.Services>) => {
    const store = Context.get(context, RetryStore)
    const accuse: typeof store.accuse = (link, id, times) => {
      named.push(id)
      return store.accuse(link, id, times)
    }
    // Those of a memory database wait for each other, and would hide who is handled at the same time.
    const within: (typeof Transactions)["Service"]["within"] = (effect) => effect
    return context.pipe(
      Context.add(RetryStore, { ...store, accuse }),
      Context.add(Transactions, { ...Context.get(context, Transactions), within })
    )
  }
  /** One whose transactions are none. */
  const loose = DeliveryNode.start({ seed: 2, database: theirs, protocols: [protocol.handled], amend })
  const receiver = live(2, theirs)
  type Node = Effect.Success<typeof receiver>
  /** A session of the receiver for so many milliseconds, in steps of so many. */
  const session = (b: Node, millis: number, step = 20) =>
    Effect.gen(function* () {
      const fibers: Array<Fiber.Fiber<unknown>> = []
      for (const from of [a, other]) {
        const pair = yield* SessionPair.make(DeliveryNode.keyOf(from), to)
        fibers.push(yield* Effect.forkChild(from.run(pair.left)), yield* Effect.forkChild(b.run(pair.right)))
      }
      for (let round = 0; round < 60; round++) yield* TestClock.adjust(0)
      for (let passed = 0; passed < millis; passed += step) yield* TestClock.adjust(step)
      yield* Fiber.interruptAll(fibers)
      return b
    })
  /** One life of the receiver, with one session of so many milliseconds. */
  const life = (millis: number) => Effect.scoped(Effect.flatMap(receiver, (b) => session(b, millis)))
  return {
    handled,
    begun,
    database,
    receiver,
    session,
    life,
    loose,
    named,
    store,
    to,
    sendOther: (word: string) => Context.get(other.context, Delivery).send(to, protocol, word),
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

  it.effect("is not one that was tried again in one process, which the database failed", () =>
    Effect.gen(function* () {
      const { begun, handled, life, owes, send } = yield* world
      for (let idle = 0; idle < 5; idle++) yield* life(20)
      yield* send("unlucky")
      yield* life(10_000)
      assert.isFalse(yield* owes)
      assert.deepStrictEqual([handled, begun.length], [["unlucky"], 7])
    }).pipe(Effect.scoped)
  )

  it.effect("is not one whose sessions ended for another reason, however often, while the process went on", () =>
    Effect.gen(function* () {
      const { begun, handled, owes, receiver, send, session } = yield* world
      const b = yield* receiver
      // Sessions in which nothing comes, one after the other, as on a bad line.
      for (let idle = 0; idle < 5; idle++) yield* session(b, 20)
      yield* send("slow")
      for (let cut = 0; cut < 10; cut++) yield* session(b, 60)
      yield* session(b, 1_000)
      assert.deepStrictEqual([yield* owes, handled, begun.length], [false, ["slow"], 11])
    }).pipe(Effect.scoped)
  )

  it.effect("is not one whose handler waited for a database over many sessions", () =>
    Effect.gen(function* () {
      const { database, handled, owes, receiver, send, session } = yield* world
      const b = yield* receiver
      for (let idle = 0; idle < 5; idle++) yield* session(b, 20)
      database.away = true
      yield* send("waiting")
      for (let cut = 0; cut < 10; cut++) yield* session(b, 500)
      database.away = false
      yield* session(b, 10_000)
      assert.deepStrictEqual([yield* owes, handled], [false, ["waiting"]])
    }).pipe(Effect.scoped)
  )

  it.effect("is one whose handler has no end, in one process, longer than any may take", () =>
    Effect.gen(function* () {
      const { begun, handled, owes, receiver, send, session } = yield* world
      const b = yield* receiver
      yield* send("kill", "after")
      let sessions = 0
      for (; (yield* owes) && sessions < 12; sessions++) yield* session(b, 31_000, 500)
      assert.deepStrictEqual([yield* owes, handled, kills(begun)], [false, ["after"], 6])
    }).pipe(Effect.scoped)
  )

  it.effect("is the only one that is named while it is handled: it takes no message of another peer with it", () =>
    Effect.gen(function* () {
      const { life, loose, named, send, sendOther, session } = yield* world
      for (let idle = 0; idle < 5; idle++) yield* life(20)
      yield* send("kill")
      yield* sendOther("innocent")
      yield* session(yield* loose, 200)
      assert.lengthOf(named, 1)
    }).pipe(Effect.scoped)
  )

  const batches = Effect.fnUntraced(function* <E>(some: Effect.Effect<unknown, E>) {
    const meter = DeliveryMeter.make()
    yield* Effect.provideService(some, DeliveryMeter.DeliveryMeter, meter)
    return meter.reading().receivedBatches.counts.reduce((sum, each) => sum + each, 0)
  })
  const words = (count: number) => Array.from({ length: count }, (_, n) => `word ${n}`)

  it.effect("makes nobody careful for longer than what may be on its way at once", () =>
    Effect.gen(function* () {
      const { handled, life, send } = yield* world
      for (let idle = 0; idle < 5; idle++) yield* life(20)
      yield* send(...words(6_000))
      const count = yield* batches(life(10_000))
      assert.deepStrictEqual(handled, words(6_000))
      assert.isAtLeast(count, 512)
      assert.isAtMost(count, maxAhead.messages + 64)
    }).pipe(Effect.scoped)
  )

  it.effect("is not looked for where nothing came for many sessions of one process", () =>
    Effect.gen(function* () {
      const { handled, receiver, send, session } = yield* world
      const count = yield* batches(
        Effect.gen(function* () {
          const b = yield* receiver
          for (let idle = 0; idle < 5; idle++) yield* session(b, 20)
          yield* send(...words(2_000))
          yield* session(b, 4_000)
        }).pipe(Effect.scoped)
      )
      assert.deepStrictEqual(handled, words(2_000))
      assert.isBelow(count, 64)
    }).pipe(Effect.scoped)
  )
})
