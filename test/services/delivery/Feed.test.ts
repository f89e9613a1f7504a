import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Stream } from "effect"
import { SecureRandom } from "effect/crypto"
import { TestClock } from "effect/testing"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import * as StoresMemory from "../../../src/layers/StoresMemory.ts"
import { Buggify, type Points } from "../../../src/services/Buggify.ts"
import { Feed, type Item } from "../../../src/services/delivery/Feed.ts"
import { FeedStore, type NewEvent } from "../../../src/services/delivery/FeedStore.ts"
import { Transactions } from "../../../src/services/Transactions.ts"
import { firing, holding } from "../../support/Points.ts"

const event = (kind: string, audience = ""): NewEvent => ({ audience, protocol: "test", subject: "", kind, body: null })
const kindOf = (item: Item): string => (item._tag === "Event" ? item.event.kind : item._tag)

const onDatabase = (database: MemoryDatabase["Service"]) =>
  Feed.layer.pipe(Layer.provideMerge(StoresMemory.layerOn(database)), Layer.provide(SecureRandom.layerWebCrypto))

const feeds = Layer.unwrap(Effect.map(MemoryDatabase.make, onDatabase))

describe("Feed", () => {
  it.effect("shows a follower what was there before and what comes while it follows, in order, once", () =>
    Effect.gen(function* () {
      const feed = yield* Feed
      yield* feed.append([event("one"), event("two")])
      const following = yield* feed
        .follow({})
        .pipe(Stream.take(4), Stream.map(kindOf), Stream.runCollect, Effect.forkChild)
      yield* TestClock.adjust(1)
      yield* feed.append([event("three")])
      yield* TestClock.adjust(1)
      yield* feed.append([event("four")])
      assert.deepStrictEqual(yield* Fiber.join(following), ["one", "two", "three", "four"])
    }).pipe(Effect.provide(feeds))
  )

  it.effect("resumes behind the cursor of the last event that was seen", () =>
    Effect.gen(function* () {
      const feed = yield* Feed
      yield* feed.append(["one", "two", "three"].map((kind) => event(kind)))
      const first = yield* feed.read({ limit: 2 })
      const rest = yield* feed.read({ after: first[1]!.cursor, limit: 10 })
      assert.deepStrictEqual(first.map(kindOf), ["one", "two"])
      assert.deepStrictEqual(rest.map(kindOf), ["three"])
      assert.deepStrictEqual(yield* feed.read({ after: yield* feed.now, limit: 10 }), [])
    }).pipe(Effect.provide(feeds))
  )

  it.effect("keeps audiences apart", () =>
    Effect.gen(function* () {
      const feed = yield* Feed
      yield* feed.append([event("for anna", "anna"), event("for bert", "bert"), event("for anna too", "anna")])
      const items = yield* feed.read({ limit: 10, audience: "anna" })
      assert.deepStrictEqual(items.map(kindOf), ["for anna", "for anna too"])
    }).pipe(Effect.provide(feeds))
  )

  it.effect("says nothing of a transaction that was rolled back", () =>
    Effect.gen(function* () {
      const feed = yield* Feed
      const transactions = yield* Transactions
      yield* transactions.within(Effect.andThen(feed.append([event("never")]), Effect.fail("no"))).pipe(Effect.ignore)
      yield* feed.append([event("ever")])
      assert.deepStrictEqual((yield* feed.read({ limit: 10 })).map(kindOf), ["ever"])
    }).pipe(Effect.provide(feeds))
  )

  it.effect("tells the owner of another feed's cursor, or of one from its future, to start over", () =>
    Effect.gen(function* () {
      const feed = yield* Feed
      yield* feed.append([event("one")])
      const elsewhere = "00000000-0000-4000-8000-000000000000:7"
      assert.deepStrictEqual((yield* feed.read({ after: elsewhere, limit: 10 })).map(kindOf), ["Reset", "one"])
      const ahead = (yield* feed.now).replace(/\d+$/, "900")
      assert.deepStrictEqual((yield* feed.read({ after: ahead, limit: 10 })).map(kindOf), ["Reset", "one"])
    }).pipe(Effect.provide(feeds))
  )

  it.effect("tells a reader that was away too long how much it missed", () =>
    Effect.gen(function* () {
      const feed = yield* Feed
      const store = yield* FeedStore
      const start = yield* feed.now
      yield* feed.append([event("old"), event("older")])
      yield* feed.read({ limit: 1 })
      yield* TestClock.adjust("2 days")
      yield* feed.append([event("new")])
      yield* feed.read({ limit: 1 })
      yield* store.prune(86_400_000, 100)
      const [gap, ...rest] = yield* feed.read({ after: start, limit: 10 })
      assert.isTrue(gap?._tag === "Gap" && gap.missed === 2n)
      assert.deepStrictEqual(rest.map(kindOf), ["new"])
    }).pipe(Effect.provide(feeds))
  )

  it.effect("goes on where it was after a restart of the process", () =>
    Effect.gen(function* () {
      const database = yield* MemoryDatabase.make
      const life = onDatabase(database)
      const seen = yield* Effect.gen(function* () {
        const feed = yield* Feed
        yield* feed.append([event("before")])
        return yield* feed.read({ limit: 10 })
      }).pipe(Effect.provide(Layer.fresh(life)))
      const after = yield* Effect.gen(function* () {
        const feed = yield* Feed
        yield* feed.append([event("after")])
        return yield* feed.read({ after: seen[0]!.cursor, limit: 10 })
      }).pipe(Effect.provide(Layer.fresh(life)))
      assert.deepStrictEqual(after.map(kindOf), ["after"])
    })
  )

  it.effect("publishes late, reads late and in small pages where its points say so, and shows every event once", () =>
    Effect.gen(function* () {
      const kinds = ["one", "two", "three", "four"]
      const late = holding("feed.committed-before-published")
      const slow = holding("feed.published-before-read")
      const small = firing("feed.page-of-one")
      const points: Points = {
        fires: small.points.fires,
        pass: (site) => Effect.andThen(late.points.pass(site), slow.points.pass(site))
      }
      const limits: Array<number> = []
      const spying = Layer.effect(
        FeedStore,
        Effect.map(FeedStore, (store) =>
          FeedStore.of({
            ...store,
            after: (position, limit, audience) =>
              Effect.andThen(
                Effect.sync(() => limits.push(limit)),
                store.after(position, limit, audience)
              )
          })
        )
      )
      const layer = Feed.layer.pipe(
        Layer.provideMerge(spying),
        Layer.provideMerge(StoresMemory.layerOn(yield* MemoryDatabase.make)),
        Layer.provide(SecureRandom.layerWebCrypto)
      )
      const program = Effect.gen(function* () {
        const feed = yield* Feed
        const following = yield* feed
          .follow({})
          .pipe(Stream.take(4), Stream.map(kindOf), Stream.runCollect, Effect.forkChild)
        yield* TestClock.adjust(1)
        yield* feed.append(kinds.map((kind) => event(kind)))
        yield* TestClock.adjust(1)
        const { bounds } = yield* FeedStore
        assert.deepStrictEqual([late.held(), slow.held(), (yield* bounds).newest], [1, 0, 0n])
        late.release()
        yield* TestClock.adjust(1)
        assert.deepStrictEqual([slow.held(), (yield* bounds).newest, limits], [1, 4n, [1]])
        slow.release()
        assert.deepStrictEqual(yield* Fiber.join(following), kinds)
        assert.deepStrictEqual(limits, [1, 1, 1, 1, 1])
      })
      yield* program.pipe(Effect.provide(layer), Effect.provideService(Buggify, points))
    })
  )
})
