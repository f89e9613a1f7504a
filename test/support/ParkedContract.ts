/**
 * What becomes of parked messages, on every database.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { SqlError, StatementTimeoutError, UniqueViolation } from "effect/sql/SqlError"
import type { MessageId } from "../../src/protocol/delivery/Message.ts"
import type { NodeKey } from "../../src/protocol/NodeKey.ts"
import { Feed } from "../../src/services/delivery/Feed.ts"
import { Parked, ParkedAmbiguous, ParkedUnknown, StillParked } from "../../src/services/delivery/Parked.ts"
import { ParkedStore } from "../../src/services/delivery/ParkedStore.ts"
import * as Protocol from "../../src/services/delivery/Protocol.ts"
import { RetryStore } from "../../src/services/delivery/RetryStore.ts"
import { Transactions } from "../../src/services/Transactions.ts"
import { batch, message, stranger, uuid } from "./Messages.ts"
import type { Reopen, Stores } from "./Stores.ts"

/** Whom the handler writes to: what is owed to this peer shows which of its effects remain. */
const debtor = stranger()

/** What the handler does after it has written something. */
let then: (from: Protocol.Origin) => Effect.Effect<void, Protocol.Rejected | SqlError> = () => Effect.void

const Word = Protocol.make("word", {
  messages: Schema.String,
  handle: Effect.fnUntraced(function* (_, from) {
    const store = yield* RetryStore
    yield* store.enqueue([message(debtor)], 1_000)
    yield* then(from)
  })
})

const effects = Effect.flatMap(RetryStore, (store) =>
  Effect.map(store.owed({ peer: debtor, limit: 100 }), (owed) => owed.length)
)

const park = Effect.fnUntraced(function* (fields: { id?: MessageId; peer?: NodeKey; protocol?: string } = {}) {
  const store = yield* RetryStore
  const { id = uuid(), peer = stranger(), protocol = "word" } = fields
  yield* store.claim(peer)
  const { body } = Word.prepare("x")
  yield* store.park(peer, { id, protocol, subject: "room", body }, "it broke", 5_000)
  return { id, peer }
})

/** The kinds and bodies of what was appended after the beginning. */
const told = Effect.fnUntraced(function* (from: string) {
  const feed = yield* Feed
  const items = yield* feed.read({ after: from, limit: 100 })
  return items.flatMap((item) => (item._tag === "Event" ? [[item.event.kind, item.event.body] as const] : []))
})
const beginning = Effect.gen(function* () {
  const feed = yield* Feed
  yield* feed.read({ limit: 1 })
  return yield* feed.now
})

const passing = new SqlError({
  reason: new StatementTimeoutError({ cause: new Error("slow"), message: "slow", operation: "execute" })
})
const final = new SqlError({
  reason: new UniqueViolation({ cause: new Error("twice"), message: "twice", constraint: "c" })
})

export const parks = (name: string, stores: Layer.Layer<Stores | Reopen>) =>
  layer(
    Parked.layer([Word.handled]).pipe(
      Layer.provideMerge(Feed.layer),
      Layer.provideMerge(stores),
      Layer.tap(() => Effect.sync(() => void (then = () => Effect.void)))
    )
  )(`parked messages in ${name}`, (it) => {
    it.effect("are listed page by page in the order of their ids, of all peers or of one", () =>
      Effect.gen(function* () {
        const parked = yield* Parked
        const id = uuid()
        const mine = stranger()
        const places = [
          yield* park({ id }),
          yield* park({ id }),
          yield* park({ id, peer: mine }),
          yield* park({ peer: mine }),
          yield* park()
        ]
        const ordered = places.toSorted((a, b) => (a.id + a.peer < b.id + b.peer ? -1 : 1))
        const pages: Array<{ readonly id: MessageId; readonly peer: NodeKey }> = []
        for (let page = yield* parked.list({ limit: 2 }); page.length > 0;) {
          assert.isAtMost(page.length, 2)
          pages.push(...page.map(({ id, peer }) => ({ id, peer })))
          page = yield* parked.list({ limit: 2, after: page.at(-1) })
        }
        assert.deepStrictEqual(pages, ordered)
        const [first] = yield* parked.list({ peer: mine, limit: 10 })
        assert.deepInclude(first, { peer: mine, protocol: "word", subject: "room", why: "it broke", at: 5_000 })
        assert.strictEqual(first?.bytes, Word.prepare("x").body.length)
        assert.strictEqual((yield* parked.list({ peer: mine, limit: 10 })).length, 2)
        assert.deepStrictEqual([yield* parked.count(3), yield* parked.count(100)], [3, 5])
        for (const { id, peer } of places) yield* parked.drop(id, peer)
        assert.strictEqual(yield* parked.count(100), 0)
      })
    )

    it.effect("have their effect once on a retry that succeeds, with an event, and are gone", () =>
      Effect.gen(function* () {
        const parked = yield* Parked
        const before = yield* effects
        const start = yield* beginning
        const place = yield* park()
        const origins: Array<Protocol.Origin> = []
        then = (from) => Effect.sync(() => void origins.push(from))
        assert.strictEqual(yield* parked.retry(place.id), "handled")
        assert.strictEqual(yield* effects, before + 1)
        assert.deepStrictEqual(
          origins.map(({ id, peer }) => ({ id, peer })),
          [place]
        )
        assert.deepStrictEqual(yield* told(start), [["message.parked-handled", { ...place, result: "handled" }]])
        assert.instanceOf(yield* Effect.flip(parked.retry(place.id)), ParkedUnknown)
        assert.instanceOf(yield* Effect.flip(parked.drop(place.id)), ParkedUnknown)
        const store = yield* RetryStore
        assert.deepStrictEqual([...(yield* store.applied(place.peer, [place.id], uuid()))], [place.id])
      })
    )

    it.effect("stay, say why, and leave nothing of what was written when the handler fails once more", () =>
      Effect.gen(function* () {
        const parked = yield* Parked
        const before = yield* effects
        const start = yield* beginning
        const place = yield* park()
        const failures = [
          [() => Effect.die(new Error("still broken")), "still broken"],
          [() => Effect.fail(Protocol.Rejected.refused("no-such-room", "rooms are closed")), "no-such-room"],
          [() => Effect.fail(Protocol.Rejected.later("1 second")), "later"],
          [() => Effect.fail(final), "twice"]
        ] as const
        for (const [fails, why] of failures) {
          then = fails
          const error = yield* Effect.flip(parked.retry(place.id))
          assert.instanceOf(error, StillParked)
          assert.include(error.message, why)
          const [row] = yield* parked.list({ peer: place.peer, limit: 10 })
          assert.include(row?.why, why)
        }
        assert.strictEqual(yield* effects, before)
        assert.deepStrictEqual(yield* told(start), [])
        then = () => Effect.void
        assert.strictEqual(yield* parked.retry(place.id, place.peer), "handled")
      })
    )

    it.effect("stay as they are when the database fails in a way that may pass", () =>
      Effect.gen(function* () {
        const parked = yield* Parked
        const before = yield* effects
        const place = yield* park()
        then = () => Effect.fail(passing)
        const error = yield* Effect.flip(parked.retry(place.id))
        assert.instanceOf(error, SqlError)
        then = () => Effect.void
        assert.strictEqual(yield* effects, before)
        assert.strictEqual((yield* parked.list({ peer: place.peer, limit: 10 }))[0]?.why, "it broke")
        yield* parked.drop(place.id)
      })
    )

    it.effect("are not handled again when the peer has offered them anew and they had their effect then", () =>
      Effect.gen(function* () {
        const parked = yield* Parked
        const store = yield* RetryStore
        const before = yield* effects
        const start = yield* beginning
        const place = yield* park()
        const link = yield* store.claim(place.peer)
        const stream = uuid()
        yield* store.received(link, batch({ stream, adopts: true, position: 1n, applied: [place.id] }), 1_000)
        assert.strictEqual(yield* parked.retry(place.id), "duplicate")
        assert.strictEqual(yield* effects, before)
        assert.deepStrictEqual(yield* told(start), [["message.parked-handled", { ...place, result: "duplicate" }]])
      })
    )

    it.effect("that no protocol here handles any more stay, and say so", () =>
      Effect.gen(function* () {
        const parked = yield* Parked
        const place = yield* park({ protocol: "old" })
        const error = yield* Effect.flip(parked.retry(place.id))
        assert.include(error.message, 'does not run "old"')
        assert.deepStrictEqual(yield* parked.drop(place.id), place)
      })
    )

    it.effect("that several peers sent under one id need the peer as well", () =>
      Effect.gen(function* () {
        const parked = yield* Parked
        const id = uuid()
        const [one, two] = [yield* park({ id }), yield* park({ id })]
        for (const act of [Effect.asVoid(parked.retry(id)), Effect.asVoid(parked.drop(id))]) {
          const error = yield* Effect.flip(act)
          assert.instanceOf(error, ParkedAmbiguous)
          assert.sameMembers([...error.peers], [one.peer, two.peer])
        }
        yield* parked.retry(id, one.peer)
        assert.deepStrictEqual(yield* parked.drop(id), two)
        assert.instanceOf(yield* Effect.flip(parked.drop(id, stranger())), ParkedUnknown)
      })
    )

    it.effect("are forgotten with an event that says so, or not at all", () =>
      Effect.gen(function* () {
        const parked = yield* Parked
        const store = yield* ParkedStore
        const { within } = yield* Transactions
        const start = yield* beginning
        const place = yield* park()
        yield* Effect.exit(within(Effect.andThen(store.remove(place), Effect.fail("no"))))
        yield* Effect.exit(within(Effect.andThen(parked.drop(place.id), Effect.fail("no"))))
        assert.strictEqual((yield* parked.list({ peer: place.peer, limit: 10 })).length, 1)
        yield* parked.drop(place.id)
        assert.deepStrictEqual(yield* told(start), [["message.parked-dropped", place]])
        assert.isFalse(yield* store.remove(place))
        assert.isUndefined(yield* store.take(place))
        // An unknown one is nothing to blame, and a stranger's nothing to remember.
        yield* store.blame(place, "x")
        yield* store.remember({ id: uuid(), peer: stranger() }, 1_000)
      })
    )
  })
