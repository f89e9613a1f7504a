/**
 * What every retry store does: receiving.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import type { MessageId } from "../../src/protocol/delivery/Message.ts"
import { type Link, RetryStore } from "../../src/services/delivery/RetryStore.ts"
import { Transactions } from "../../src/services/Transactions.ts"
import { answer, batch, later, refused, stale, stranger, uuid } from "./Messages.ts"
import type { Reopen, Stores } from "./Stores.ts"

const identified = (seq: bigint, outcome: ReturnType<typeof later>) => ({ ...answer(seq, outcome), id: uuid() })

export const receives = (name: string, stores: Layer.Layer<Stores | Reopen>) =>
  layer(stores)(`a retry store in ${name}, receiving`, (it) => {
    it.effect("moves the position with the transaction that handled the batch, or not at all", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const { within } = yield* Transactions
        const link = yield* store.claim(stranger())
        const nothing = { stream: null, position: 0n, restarted: false, held: [] }
        assert.deepStrictEqual(yield* store.receiving(link), nothing)
        const stream = uuid()
        const applied = [uuid(), uuid()]
        const take = within(
          Effect.gen(function* () {
            yield* store.receiving(link)
            yield* store.received(link, batch({ stream, adopts: true, position: 2n, applied, duplicates: 1 }), 5_000)
          })
        )
        yield* Effect.exit(within(Effect.andThen(take, Effect.fail("no"))))
        assert.deepStrictEqual(yield* store.receiving(link), nothing)
        assert.deepStrictEqual(yield* store.applied(link.peer, applied), new Set())
        yield* take
        assert.deepStrictEqual(yield* store.receiving(link), { ...nothing, stream, position: 2n })
        const totals = (yield* store.totals(10_000)).find(({ peer }) => peer === link.peer)
        assert.deepInclude(totals, { received: 2n, duplicates: 1n, owed: 0, oldestCreatedAt: undefined })
      })
    )

    it.effect("keeps answers, whole, until the peer has seen them", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const link = yield* store.claim(stranger())
        const stream = uuid()
        const behind = later(0, uuid())
        const refusal = { ...refused, detail: 'never \u0000 "quoted" é' }
        const answers = [
          identified(2n, stale),
          identified(3n, refusal),
          identified(5n, later(250)),
          identified(6n, behind)
        ]
        yield* store.received(link, batch({ stream, adopts: true, position: 6n, answers }), 5_000)
        const kept = Effect.map(store.positions(link), (it) => it.answers)
        assert.deepStrictEqual(yield* kept, [
          answer(2n, stale),
          answer(3n, refusal),
          answer(5n, later(250)),
          answer(6n, behind)
        ])
        yield* store.received(link, batch({ stream, position: 8n, seen: 3n, answers: [identified(8n, stale)] }), 5_000)
        assert.deepStrictEqual(
          (yield* kept).map(({ seq }) => seq),
          [5n, 6n, 8n]
        )
        yield* store.received(link, batch({ stream, position: 9n, seen: 1n }), 5_000)
        assert.strictEqual((yield* kept).length, 3)
        yield* store.received(link, batch({ stream, position: 9n, seen: 8n }), 5_000)
        assert.deepStrictEqual(yield* kept, [])
      })
    )

    it.effect("forgets the answers of a stream that is over and remembers what it brought", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const link = yield* store.claim(stranger())
        const [first, second, third] = [uuid(), uuid(), uuid()]
        const [old, mixed, fresh] = [[uuid(), uuid()], [uuid()], [uuid()]]
        const answers = [identified(3n, refused)]
        yield* store.received(link, batch({ stream: first, adopts: true, position: 3n, applied: old, answers }), 5_000)
        // Asked on behalf of the batch that is about to adopt the second stream.
        assert.deepStrictEqual(yield* store.applied(link.peer, [...old, ...fresh], second), new Set(old))
        yield* store.received(link, batch({ stream: second, adopts: true, position: 1n, applied: mixed }), 5_000)
        const now = yield* store.receiving(link)
        assert.deepStrictEqual([now.stream, now.position, now.restarted], [second, 1n, true])
        const positions = yield* store.positions(link)
        assert.deepStrictEqual(positions.answers, [])
        assert.deepStrictEqual(yield* store.applied(link.peer, [...old, ...mixed]), new Set([...old, ...mixed]))
        assert.deepStrictEqual(yield* store.applied(link.peer, [...old, ...mixed], second), new Set(old))
        yield* store.received(link, batch({ stream: third, adopts: true, position: 1n, applied: fresh }), 5_000)
        const all = [...old, ...mixed, ...fresh]
        assert.deepStrictEqual(yield* store.applied(link.peer, all, third), new Set([...old, ...mixed]))
        assert.deepStrictEqual(yield* store.applied(stranger(), all), new Set())
        // The old stream comes back, numbers and all.
        const answered = [identified(3n, stale)]
        yield* store.received(
          link,
          batch({ stream: first, adopts: true, position: 3n, applied: [uuid()], answers: answered }),
          5_000
        )
        assert.deepStrictEqual(yield* store.applied(link.peer, all, first), new Set(all))
        const totals = (yield* store.totals(10_000)).find(({ peer }) => peer === link.peer)
        assert.strictEqual(totals?.received, 8n)
      })
    )

    it.effect("keeps the ids that wait, oldest first, until they are released", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const { within } = yield* Transactions
        const link = yield* store.claim(stranger())
        const stream = uuid()
        const held = Array.from({ length: 4 }, (_, n) => ({
          protocol: "chat",
          subject: `room ${n % 2}`,
          id: uuid(),
          seq: BigInt(n + 1)
        }))
        const [first, second, third, fourth] = held
        assert.isDefined(first)
        assert.isDefined(second)
        assert.isDefined(third)
        assert.isDefined(fourth)
        const waiting = Effect.map(store.receiving(link), (it) => it.held)
        yield* store.received(link, batch({ stream, adopts: true, position: 3n, held: [first, second, third] }), 5_000)
        assert.deepStrictEqual(yield* waiting, [first, second, third])
        const renewed = { ...third, seq: 9_007_199_254_740_993n }
        const next = batch({ stream, position: 4n, held: [fourth, renewed], released: [first.id, uuid()] })
        yield* Effect.exit(within(Effect.andThen(store.received(link, next, 5_000), Effect.fail("no"))))
        assert.deepStrictEqual(yield* waiting, [first, second, third])
        yield* store.received(link, next, 5_000)
        assert.deepStrictEqual(yield* waiting, [second, renewed, fourth])
        yield* store.received(link, batch({ stream, position: 5n, released: [second.id, third.id, fourth.id] }), 5_000)
        assert.deepStrictEqual(yield* waiting, [])
      })
    )

    it.effect("keeps at most 10,000 waiting ids of a peer", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const link = yield* store.claim(stranger())
        const stream = uuid()
        const held = Array.from({ length: 6_000 }, () => ({ protocol: "chat", subject: "room", id: uuid(), seq: 1n }))
        yield* store.received(link, batch({ stream, adopts: true, position: 6_000n, held }), 5_000)
        const more = held.map((it) => ({ ...it, id: uuid() }))
        yield* store.received(link, batch({ stream, position: 12_000n, held: more }), 5_000)
        const kept = (yield* store.receiving(link)).held
        assert.deepStrictEqual([kept.length, kept.at(-1)], [10_000, more[3_999]])
        const renewed = held.slice(0, 1).map((it) => ({ ...it, seq: 2n }))
        yield* store.received(link, batch({ stream, position: 12_001n, held: renewed }), 5_000)
        assert.deepStrictEqual((yield* store.receiving(link)).held.slice(0, 1), renewed)
      })
    )

    it.effect("holds nothing of a stream that is over", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const link = yield* store.claim(stranger())
        const [old, fresh] = [1n, 2n].map((seq) => ({ protocol: "chat", subject: "room", id: uuid(), seq }))
        assert.isDefined(old)
        assert.isDefined(fresh)
        const stream = uuid()
        yield* store.received(link, batch({ stream: uuid(), adopts: true, position: 1n, held: [old] }), 5_000)
        yield* store.received(link, batch({ stream, adopts: true, position: 1n }), 5_000)
        assert.deepStrictEqual((yield* store.receiving(link)).held, [])
        yield* store.received(link, batch({ stream, position: 2n, held: [old] }), 5_000)
        yield* store.received(link, batch({ stream: uuid(), adopts: true, position: 1n, held: [fresh] }), 5_000)
        assert.deepStrictEqual((yield* store.receiving(link)).held, [fresh])
      })
    )

    it.effect("parks a message more than once without complaint", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const parked = { id: uuid(), protocol: "chat", subject: "room", body: new Uint8Array([1]) }
        const peer = stranger()
        yield* store.park(peer, parked, "it broke \u0000 here", 5_000)
        yield* store.park(peer, parked, "and again", 6_000)
      })
    )

    it.effect("forgets applied ids that are older than the window, a few rows at a time", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const link = yield* store.claim(stranger())
        const stream = uuid()
        const applied = [uuid(), uuid(), uuid()]
        for (const [n, id] of applied.entries()) {
          const fields = { stream, adopts: n === 0, position: BigInt(n + 1), applied: [id] }
          yield* store.received(link, batch(fields), 10 + n)
        }
        const prune = (limit: number) => store.prune({ before: 12, ids: 1_000, limit })
        assert.strictEqual(yield* prune(1), 1)
        assert.strictEqual(yield* prune(10), 1)
        assert.strictEqual(yield* prune(10), 0)
        assert.deepStrictEqual(yield* store.applied(link.peer, applied), new Set(applied.slice(2)))
      })
    )

    it.effect("keeps the newest ids of each peer, no more of them than it is told to, over changes of stream", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const prune = (ids: number, limit = 100) => store.prune({ before: 0, ids, limit })
        const receive = Effect.fnUntraced(function* (link: Link, stream: string, from: number, batches: number) {
          const all = Array.from({ length: batches }, () => [uuid(), uuid()])
          for (const [n, applied] of all.entries()) {
            // Of three messages each, one is refused.
            const position = BigInt(from + (n + 1) * 3)
            yield* store.received(link, batch({ stream, adopts: position === 3n, position, applied }), 10 + n)
          }
          return all.flat()
        })
        const known = (link: Link, ids: ReadonlyArray<MessageId>) =>
          Effect.map(store.applied(link.peer, ids), (found) => ids.filter((id) => found.has(id)))
        yield* prune(0, 10_000)
        const [one, other] = [yield* store.claim(stranger()), yield* store.claim(stranger())]
        const stream = uuid()
        const old = yield* receive(one, stream, 0, 4)
        const theirs = yield* receive(other, uuid(), 0, 2)
        assert.strictEqual(yield* prune(12), 0)
        assert.strictEqual(yield* prune(6, 1), 1)
        assert.strictEqual(yield* prune(6), 1)
        assert.strictEqual(yield* prune(6), 0)
        assert.deepStrictEqual(yield* known(one, old), old.slice(4))
        assert.deepStrictEqual(yield* known(other, theirs), theirs)
        // What the stream before has brought has the room that is left.
        const next = uuid()
        const fresh = yield* receive(one, next, 0, 1)
        assert.strictEqual(yield* prune(7), 0)
        assert.strictEqual(yield* prune(6), 1)
        assert.deepStrictEqual(yield* known(one, old), old.slice(6))
        const more = yield* receive(one, next, 3, 1)
        assert.strictEqual(yield* prune(6), 1)
        assert.deepStrictEqual(yield* known(one, [...old, ...fresh, ...more]), [...fresh, ...more])
        assert.deepStrictEqual(yield* known(other, theirs), theirs)
      })
    )

    it.effect("trap 10: keeps numbers beyond 2^53 exact", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const link = yield* store.claim(stranger())
        const stream = uuid()
        const large = 9_007_199_254_740_993n
        const answers = [identified(large, stale), identified(large + 2n, refused)]
        yield* store.received(link, batch({ stream, adopts: true, position: large + 2n, answers }), 5_000)
        yield* store.received(link, batch({ stream, position: large + 3n, seen: large }), 5_000)
        const { answers: kept, receiving } = yield* store.positions(link)
        assert.deepStrictEqual(receiving, { stream, position: large + 3n, seen: large })
        assert.deepStrictEqual(kept, [answer(large + 2n, refused)])
        yield* store.received(link, batch({ stream: uuid(), adopts: true, position: 1n }), 5_000)
        const totals = (yield* store.totals(10_000)).find(({ peer }) => peer === link.peer)
        assert.strictEqual(totals?.received, large + 4n)
      })
    )
  })
