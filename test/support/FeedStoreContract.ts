/**
 * What every feed store does.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { FeedStore, type NewEvent } from "../../src/services/delivery/FeedStore.ts"
import { Transactions } from "../../src/services/Transactions.ts"
import { uuid } from "./Messages.ts"
import { Reopen, type Stores } from "./Stores.ts"

const event = (kind: string, fields: Partial<NewEvent> = {}): NewEvent => ({
  audience: "",
  protocol: "chat",
  subject: "room",
  kind,
  body: null,
  ...fields
})

const kinds = (events: ReadonlyArray<{ readonly kind: string }>) => events.map(({ kind }) => kind)

export const feeds = (name: string, stores: Layer.Layer<Stores | Reopen>) =>
  layer(stores)(`a feed store in ${name}`, (it) => {
    it.effect("begins empty", () =>
      Effect.gen(function* () {
        const feed = yield* FeedStore
        assert.deepStrictEqual(yield* feed.bounds, { oldest: 0n, newest: 0n })
        assert.strictEqual(yield* feed.publish(10), 0)
        assert.deepStrictEqual(yield* feed.after(0n, 10), [])
        assert.strictEqual(yield* feed.prune(1e15, 10), 0)
      })
    )

    it.effect("gives positions without gaps to what was committed, in the order of writing", () =>
      Effect.gen(function* () {
        const feed = yield* FeedStore
        const { within } = yield* Transactions
        const { newest } = yield* feed.bounds
        yield* feed.append([event("a"), event("b")], 1_000)
        yield* Effect.exit(within(Effect.andThen(feed.append([event("lost")], 1_000), Effect.fail("no"))))
        yield* within(feed.append([event("c")], 2_000))
        assert.deepStrictEqual(yield* feed.after(newest, 10), [])
        assert.strictEqual(yield* feed.publish(2), 2)
        assert.strictEqual(yield* feed.publish(10), 1)
        assert.strictEqual(yield* feed.publish(10), 0)
        const events = yield* feed.after(newest, 10)
        assert.deepStrictEqual(kinds(events), ["a", "b", "c"])
        assert.deepStrictEqual(
          events.map(({ position }) => position - newest),
          [1n, 2n, 3n]
        )
        assert.deepStrictEqual(events[2], { ...event("c"), position: newest + 3n, at: 2_000 })
      })
    )

    it.effect("takes a publication back with the transaction that made it", () =>
      Effect.gen(function* () {
        const feed = yield* FeedStore
        const { within } = yield* Transactions
        const { newest } = yield* feed.bounds
        yield* feed.append([event("x"), event("y")], 1_000)
        yield* Effect.exit(within(Effect.andThen(feed.publish(1), Effect.fail("no"))))
        yield* feed.publish(10)
        const events = yield* feed.after(newest, 10)
        assert.deepStrictEqual(
          events.map(({ kind, position }) => [kind, position - newest]),
          [
            ["x", 1n],
            ["y", 2n]
          ]
        )
      })
    )

    it.effect("lets a reader go on from its cursor, however often others publish in between", () =>
      Effect.gen(function* () {
        const feed = yield* FeedStore
        let { newest: cursor } = yield* feed.bounds
        const seen: Array<string> = []
        for (let round = 0; round < 5; round++) {
          yield* feed.append([event(`${round}a`), event(`${round}b`), event(`${round}c`)], 1_000)
          yield* feed.publish(2)
          for (const { kind, position } of yield* feed.after(cursor, 3)) {
            seen.push(kind)
            cursor = position
          }
        }
        yield* feed.publish(100)
        seen.push(...kinds(yield* feed.after(cursor, 100)))
        assert.deepStrictEqual(
          seen,
          Array.from({ length: 5 }, (_, round) => [`${round}a`, `${round}b`, `${round}c`]).flat()
        )
      })
    )

    it.effect("reads one audience alone, with bodies of every JSON kind", () =>
      Effect.gen(function* () {
        const feed = yield* FeedStore
        const { newest } = yield* feed.bounds
        const audience = uuid()
        const bodies = [{ n: 1.5, list: [true, null, "é \u0000 \u{1F600}"] }, "text", 0, null, [], undefined]
        yield* feed.append(
          bodies.flatMap((body) => [event("other"), event("mine", { audience, body })]),
          1_000
        )
        yield* feed.publish(100)
        const mine = yield* feed.after(newest, 4, audience)
        assert.deepStrictEqual(
          mine.map(({ body }) => body),
          bodies.slice(0, 4)
        )
        const rest = yield* feed.after(mine[3]?.position ?? 0n, 10, audience)
        assert.deepStrictEqual(
          rest.map(({ body }) => body),
          [[], null]
        )
        assert.deepStrictEqual(yield* feed.after(newest, 10, uuid()), [])
      })
    )

    it.effect("prunes from the old end only, and says where the feed begins and ends", () =>
      Effect.gen(function* () {
        const feed = yield* FeedStore
        const { reopen } = yield* Reopen
        yield* feed.prune(1e15, 1_000)
        const { newest } = yield* feed.bounds
        assert.deepStrictEqual(yield* feed.bounds, { oldest: newest + 1n, newest })
        for (const [kind, now] of [
          ["a", 10],
          ["b", 20],
          ["c", 50],
          ["d", 30]
        ] as const) {
          yield* feed.append([event(kind)], now)
        }
        yield* feed.publish(10)
        yield* feed.append([event("e")], 5)
        assert.strictEqual(yield* feed.prune(40, 1), 1)
        assert.strictEqual(yield* feed.prune(40, 10), 1)
        assert.strictEqual(yield* feed.prune(40, 10), 0)
        assert.deepStrictEqual(kinds(yield* feed.after(0n, 10)), ["c", "d"])
        assert.deepStrictEqual(yield* feed.bounds, { oldest: newest + 3n, newest: newest + 4n })
        const again = FeedStore.use((it) => Effect.map(it.bounds, (bounds) => [it.feedId, bounds.newest]))
        assert.deepStrictEqual(yield* Effect.provideContext(again, yield* reopen), [feed.feedId, newest + 4n])
      }).pipe(Effect.scoped)
    )
  })
