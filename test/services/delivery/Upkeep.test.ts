import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import { TestClock } from "effect/testing"
import * as IdentityMemory from "../../../src/layers/IdentityMemory.ts"
import * as StoresMemory from "../../../src/layers/StoresMemory.ts"
import * as NodeKey from "../../../src/protocol/NodeKey.ts"
import { Buggify, none, type Points } from "../../../src/services/Buggify.ts"
import { Delivery } from "../../../src/services/delivery/Delivery.ts"
import { defaults, DeliveryConfig } from "../../../src/services/delivery/DeliveryConfig.ts"
import * as DeliveryMeter from "../../../src/services/delivery/DeliveryMeter.ts"
import { Feed } from "../../../src/services/delivery/Feed.ts"
import * as Protocol from "../../../src/services/delivery/Protocol.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import * as Upkeep from "../../../src/services/delivery/Upkeep.ts"
import { Wakes } from "../../../src/services/delivery/Wakes.ts"
import { Supervisor } from "../../../src/services/link/Supervisor.ts"
import {
  answer,
  batch,
  later,
  message,
  number,
  settling,
  stranger,
  uuid,
  wide,
  nextDue
} from "../../support/Messages.ts"
import { firing } from "../../support/Points.ts"

const Word = Protocol.make("word", { messages: Schema.String, handle: () => Effect.void })
const peer = NodeKey.fromBytes(new Uint8Array(32).fill(9))

/** A supervisor that only writes down whom it is to dial. */
const watched = () => {
  const wanted = new Set<NodeKey.NodeKey>()
  const layer = Layer.succeed(Supervisor, {
    want: (key) => Effect.sync(() => void wanted.add(key)),
    unwant: (key) => Effect.sync(() => void wanted.delete(key)),
    report: () => Effect.void,
    poke: () => Effect.void,
    refresh: Effect.void,
    watches: Effect.succeed([]),
    stop: Effect.void
  })
  return { wanted, layer }
}

const services = Layer.mergeAll(Delivery.layer, Feed.layer).pipe(
  Layer.provideMerge(Wakes.layer),
  Layer.provideMerge(StoresMemory.layer),
  Layer.provideMerge(IdentityMemory.layer),
  Layer.provideMerge(SecureRandom.layerWebCrypto),
  Layer.fresh
)

describe("Upkeep", () => {
  it.effect("wants a peer as soon as something is owed to it, and until nothing is", () =>
    Effect.gen(function* () {
      const { layer, wanted } = watched()
      const delivery = yield* Delivery
      const store = yield* RetryStore
      yield* Effect.forkChild(Effect.provide(Upkeep.run<never>([]), layer))
      yield* TestClock.adjust(1)
      const id = yield* delivery.send(peer, Word, "x")
      yield* TestClock.adjust(1)
      assert.deepStrictEqual([...wanted], [peer])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([...wanted], [peer])
      yield* store.cancel(id)
      yield* TestClock.adjust("31 seconds")
      assert.deepStrictEqual([...wanted], [])
    }).pipe(Effect.provide(services))
  )

  it.effect("wants after a restart whom something was owed to before", () =>
    Effect.gen(function* () {
      const { layer, wanted } = watched()
      yield* Effect.flatMap(Delivery, (delivery) => delivery.send(peer, Word, "x"))
      yield* Effect.forkChild(Effect.provide(Upkeep.run<never>([]), layer))
      yield* TestClock.adjust(1)
      assert.deepStrictEqual([...wanted], [peer])
    }).pipe(Effect.provide(services))
  )

  it.effect("wants everybody to whom something is owed, however many they are", () =>
    Effect.gen(function* () {
      const { layer, wanted } = watched()
      const store = yield* RetryStore
      const sent = Array.from({ length: 2_500 }, () => message(stranger()))
      yield* store.enqueue(sent, 0)
      yield* Effect.forkChild(Effect.provide(Upkeep.run<never>([]), layer))
      // A round over so many takes more turns than the clock waits for.
      for (let turn = 0; turn < 10; turn++) yield* TestClock.adjust(1)
      assert.deepStrictEqual([...wanted].toSorted(), sent.map((it) => it.peer).toSorted())
      for (const { id } of sent.slice(0, 1_200)) yield* store.cancel(id)
      yield* TestClock.adjust("31 seconds")
      assert.deepStrictEqual(
        [...wanted].toSorted(),
        sent
          .slice(1_200)
          .map((it) => it.peer)
          .toSorted()
      )
    }).pipe(Effect.provide(services))
  )

  it.effect("still wants a peer that something new is owed to while a round finds out that nothing was", () =>
    Effect.gen(function* () {
      const { layer, wanted } = watched()
      const store = yield* RetryStore
      const delivery = yield* Delivery
      let meanwhile: Effect.Effect<unknown> = Effect.void
      const slow = RetryStore.of({
        ...store,
        debtors: (limit, after) =>
          Effect.tap(store.debtors(limit, after), () => Effect.andThen(meanwhile, Effect.sleep("1 second")))
      })
      yield* Upkeep.run<never>([]).pipe(
        Effect.provide(layer),
        Effect.provideService(RetryStore, slow),
        Effect.forkChild
      )
      yield* TestClock.adjust("5 seconds")
      const id = yield* delivery.send(peer, Word, "x")
      yield* TestClock.adjust("5 seconds")
      yield* store.cancel(id)
      meanwhile = Effect.orDie(delivery.send(peer, Word, "y"))
      yield* TestClock.adjust("25 seconds")
      assert.deepStrictEqual([...wanted], [peer])
    }).pipe(Effect.provide(services))
  )

  it.effect("says that it is unknown what came of a message which another stream had carried", () =>
    Effect.gen(function* () {
      const { layer } = watched()
      const feed = yield* Feed
      const store = yield* RetryStore
      yield* Effect.flatMap(Delivery, (delivery) => delivery.send(peer, Word, "x", { within: "3 seconds" }))
      yield* Effect.flatMap(Delivery, (delivery) => delivery.send(peer, Word, "y", { within: "3 seconds" }))
      const link = yield* store.claim(peer)
      yield* number(store, link, { messages: 1, bytes: 100 }, 0)
      yield* store.restart(link, uuid(), 0n)
      yield* Effect.forkChild(Effect.provide(Upkeep.run<never>([]), layer))
      yield* TestClock.adjust("6 seconds")
      const items = yield* feed.read({ limit: 10 })
      assert.deepStrictEqual(
        items.map((item) => item._tag === "Event" && (item.event.body as { readonly outcome: string }).outcome),
        ["unknown", "cancelled"]
      )
    }).pipe(Effect.provide(services))
  )

  it.effect("takes back what is past its time, and says so in the feed", () =>
    Effect.gen(function* () {
      const { layer } = watched()
      const feed = yield* Feed
      yield* Effect.flatMap(Delivery, (delivery) => delivery.send(peer, Word, "x", { within: "3 seconds" }))
      const meter = DeliveryMeter.make()
      yield* Upkeep.run<never>([]).pipe(
        Effect.provide(layer),
        Effect.provideService(DeliveryMeter.DeliveryMeter, meter),
        Effect.forkChild
      )
      const look = yield* Effect.flatMap(Wakes, (wakes) => wakes.attach(peer))
      look.database = false
      yield* TestClock.adjust("6 seconds")
      const items = yield* feed.read({ limit: 10 })
      assert.deepStrictEqual(
        items.map((item) => item._tag === "Event" && item.event.kind),
        ["message.expired"]
      )
      // What waited behind it can go.
      assert.isTrue(look.database)
      assert.strictEqual(meter.reading().expired, 1)
    }).pipe(Effect.provide(services))
  )

  it.effect("forgets events and applied ids as its figures say, and no others", () =>
    Effect.gen(function* () {
      const { layer } = watched()
      const feed = yield* Feed
      const store = yield* RetryStore
      const link = yield* store.claim(peer)
      const stream = uuid()
      const ids = [uuid(), uuid(), uuid(), uuid()]
      const event = { audience: "", protocol: "", subject: "x", kind: "test", body: null }
      const receive = Effect.fnUntraced(function* (n: number) {
        const id = ids[n - 1] ?? ""
        const fields = { stream, adopts: n === 1, position: BigInt(n), applied: [id] }
        yield* store.received(link, batch(fields), yield* Clock.currentTimeMillis)
        yield* feed.append([event])
        yield* feed.read({ limit: 1 })
      })
      yield* TestClock.setTime(10_000_000)
      yield* receive(1)
      yield* TestClock.adjust("30 minutes")
      for (const n of [2, 3, 4]) yield* receive(n)
      const config = { ...defaults, keepEvents: 3_600_000, appliedWindow: 3_600_000, appliedIds: 2 }
      yield* Effect.forkChild(
        Upkeep.run<never>([]).pipe(Effect.provide(layer), Effect.provideService(DeliveryConfig, config))
      )
      const left = Effect.gen(function* () {
        const kept = yield* store.applied(peer, ids)
        const [first] = yield* feed.read({ limit: 1 })
        const from = first?._tag === "Event" ? Number(first.event.position) : 0
        return { kept: ids.map((id) => kept.has(id)), from }
      })
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* left, { kept: [false, false, true, true], from: 1 })
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* left, { kept: [false, false, true, true], from: 2 })
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* left, { kept: [false, false, false, false], from: 0 })
    }).pipe(Effect.provide(services))
  )

  it.effect("lets nothing wait longer because the clock was set back, and tries again where the database fails", () =>
    Effect.gen(function* () {
      const store = yield* RetryStore
      const testClock = yield* Clock.Clock
      let set = 0
      const clock: Clock.Clock = {
        ...testClock,
        currentTimeMillisUnsafe: () => testClock.currentTimeMillisUnsafe() + set,
        monotonicTimeNanosUnsafe: () => testClock.monotonicTimeNanosUnsafe(),
        sleep: (duration) => testClock.sleep(duration)
      }
      const asked: Array<number> = []
      const failing = RetryStore.of({
        ...store,
        hastenAll: (now, sentAfter) =>
          Effect.suspend(() => {
            // The look at the start is another one's.
            if (sentAfter !== undefined) return store.hastenAll(now, sentAfter)
            return asked.push(now) === 1 ? Effect.die("no database") : store.hastenAll(now)
          })
      })
      yield* TestClock.setTime(10_000_000)
      yield* store.enqueue([message(peer)], 10_000_000)
      const link = yield* store.claim(peer)
      yield* number(store, link, wide, 10_000_000)
      yield* store.settle(link, { upTo: 1n, answers: [answer(1n, later(60_000))] }, settling(10_000_000))
      yield* Upkeep.run<never>([]).pipe(
        Effect.provide(watched().layer),
        Effect.provideService(RetryStore, failing),
        Effect.provideService(Clock.Clock, clock),
        Effect.forkChild
      )
      const look = yield* Effect.flatMap(Wakes, (wakes) => wakes.attach(peer))
      look.database = false
      yield* TestClock.adjust("9 seconds")
      set -= 900
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(asked, [])
      set -= 1_680_000
      yield* TestClock.adjust("10 seconds")
      const wall = 10_000_000 + set
      assert.deepStrictEqual(asked, [wall + 15_000, wall + 20_000])
      assert.strictEqual(yield* nextDue(store, peer), wall + 20_000)
      // Whoever sends looks, and does not wait for its own round.
      assert.isTrue(look.database)
    }).pipe(Effect.provide(services))
  )

  it.effect(
    "lets nothing wait at its start that was sent later than now, and tries again where the database fails",
    () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        let asked = 0
        const hastened: Array<number> = []
        const failing = RetryStore.of({
          ...store,
          hastenAll: (now, sentAfter) =>
            Effect.suspend(() => {
              if (asked++ === 0) return Effect.die("no database")
              return Effect.tap(store.hastenAll(now, sentAfter), (messages) =>
                Effect.sync(() => hastened.push(messages))
              )
            })
        })
        yield* TestClock.setTime(10_000_000)
        yield* store.enqueue([message(peer)], 10_001_001)
        const link = yield* store.claim(peer)
        yield* number(store, link, wide, 10_001_001)
        yield* store.settle(link, { upTo: 1n, answers: [answer(1n, later(60_000))] }, settling(10_001_001))
        yield* Upkeep.run<never>([]).pipe(
          Effect.provide(watched().layer),
          Effect.provideService(RetryStore, failing),
          Effect.forkChild
        )
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual([asked, hastened], [2, [1]])
      }).pipe(Effect.provide(services))
  )

  it.effect("does not take a clock that is a second ahead for one that was set back", () =>
    Effect.gen(function* () {
      const store = yield* RetryStore
      yield* TestClock.setTime(10_000_000)
      yield* store.enqueue([message(peer)], 10_001_000)
      const link = yield* store.claim(peer)
      yield* number(store, link, wide, 10_001_000)
      yield* store.settle(link, { upTo: 1n, answers: [answer(1n, later(60_000))] }, settling(10_001_000))
      yield* Effect.forkChild(Effect.provide(Upkeep.run<never>([]), watched().layer))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* nextDue(store, peer), 10_061_000)
    }).pipe(Effect.provide(services))
  )

  it.effect("runs its rounds early where its point says so", () =>
    Effect.gen(function* () {
      const store = yield* RetryStore
      const rounds = Effect.fnUntraced(function* (points: Points) {
        const counts = { debtors: 0, expire: 0, prune: 0 }
        const counting = <A, E>(what: keyof typeof counts, effect: Effect.Effect<A, E>) =>
          Effect.suspend(() => {
            counts[what]++
            return effect
          })
        const counted = RetryStore.of({
          ...store,
          debtors: (limit, after) => counting("debtors", store.debtors(limit, after)),
          expire: (now, limit) => counting("expire", store.expire(now, limit)),
          prune: (query) => counting("prune", store.prune(query))
        })
        const running = yield* Upkeep.run<never>([]).pipe(
          Effect.provide(watched().layer),
          Effect.provideService(RetryStore, counted),
          Effect.provideService(Buggify, points),
          Effect.forkChild
        )
        yield* TestClock.adjust("9500 millis")
        yield* Fiber.interrupt(running)
        return counts
      })
      assert.deepStrictEqual(yield* rounds(none), { debtors: 1, expire: 2, prune: 1 })
      assert.deepStrictEqual(yield* rounds(firing("delivery.upkeep-early").points), {
        debtors: 10,
        expire: 10,
        prune: 10
      })
    }).pipe(Effect.provide(services))
  )
})
