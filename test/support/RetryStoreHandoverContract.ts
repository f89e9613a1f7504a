/**
 * What every retry store does: handing over what was just sent, and remembering who dies of what.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { LinkFenced, RetryStore } from "../../src/services/delivery/RetryStore.ts"
import { Transactions } from "../../src/services/Transactions.ts"
import { answer, batch, ids, later, message, messages, number, settling, stranger, uuid, wide } from "./Messages.ts"
import { Reopen, type Stores } from "./Stores.ts"

/** The ids that are owed to a peer, with their numbers, in the order of sending. */
const owedTo = (peer: ReturnType<typeof stranger>) =>
  Effect.flatMap(RetryStore, (store) =>
    Effect.map(store.owed({ peer, limit: 100 }), (rows) => rows.map(({ id, seq }) => [id, seq] as const))
  )

export const handsOver = (name: string, stores: Layer.Layer<Stores | Reopen>) =>
  layer(stores)(`a retry store in ${name}, handing over`, (it) => {
    it.effect("numbers what is submitted to a live link, and leaves the rest to the pumps", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const [live, other, unknown] = [stranger(), stranger(), stranger()]
        const link = yield* store.claim(live)
        yield* store.claim(other)
        const [first, mixed, second] = [message(live), [message(other), message(unknown)], message(live)]
        const given = yield* store.submit([first, ...mixed, second], 1_000, [link])
        // The link of a peer that nobody knew is made first, and then all are written as they are.
        assert.deepStrictEqual(given, [])
        assert.deepStrictEqual(ids(yield* number(store, link, wide, 1_000)), ids([first, second]))
        const next = [message(live), message(other), message(live)]
        assert.deepStrictEqual(yield* store.submit(next, 1_000, [link]), [{ peer: live, first: 3n }])
        assert.deepStrictEqual(yield* owedTo(live), [
          [first.id, 1n],
          [second.id, 2n],
          [next[0]?.id ?? "", 3n],
          [next[2]?.id ?? "", 4n]
        ])
        assert.strictEqual((yield* store.positions(link)).sending.last, 4n)
        assert.deepStrictEqual(
          (yield* owedTo(other)).map(([, seq]) => seq),
          [undefined, undefined]
        )
        assert.deepStrictEqual(ids(yield* store.numbered(link, 2n, wide)), [next[0]?.id ?? "", next[2]?.id ?? ""])
      })
    )

    it.effect("gives no number to what would overtake something, nor for a link that is somebody else's by now", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        const link = yield* store.claim(peer)
        const waiting = message(peer)
        yield* store.enqueue([waiting], 1_000)
        assert.deepStrictEqual(yield* store.submit([message(peer)], 1_000, [link]), [])
        yield* number(store, link, wide, 1_000)
        yield* store.settle(link, { upTo: 2n, answers: [answer(1n, later(500))] }, settling(1_000))
        assert.deepStrictEqual(yield* store.submit([message(peer)], 1_000, [link]), [])
        yield* number(store, link, wide, 2_000)
        const again = yield* store.claim(peer)
        assert.deepStrictEqual(yield* store.submit([message(peer)], 2_000, [link]), [])
        yield* number(store, again, wide, 2_000)
        assert.deepStrictEqual(yield* store.submit([message(peer)], 2_000, [again]), [{ peer, first: 6n }])
      })
    )

    it.effect("refuses ids that are there already, all of them or none", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        const link = yield* store.claim(peer)
        const all = messages(peer, 2)
        yield* store.submit(all, 1_000, [link])
        const error = yield* Effect.flip(store.submit([message(peer), ...all], 1_000, [link]))
        assert.isTrue(error._tag === "SqlError" && error.reason._tag === "UniqueViolation")
        assert.deepStrictEqual(
          (yield* owedTo(peer)).map(([id]) => id),
          ids(all)
        )
        assert.strictEqual((yield* store.positions(link)).sending.last, 2n)
      })
    )

    it.effect("says when to look again", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        const link = yield* store.claim(peer)
        const next = (messages: number, now: number) =>
          Effect.map(store.take(link, { messages, bytes: 1_000 }, now), (taken) => taken.next)
        assert.strictEqual(yield* next(5, 1_000), undefined)
        yield* store.enqueue(messages(peer, 3), 1_000)
        assert.strictEqual(yield* next(2, 1_000), 1_000)
        assert.strictEqual(yield* next(2, 1_000), undefined)
        yield* store.settle(link, { upTo: 1n, answers: [answer(1n, later(500))] }, settling(1_000))
        assert.strictEqual(yield* next(5, 1_200), 1_500)
        assert.strictEqual(yield* next(5, 1_500), undefined)
      })
    )

    it.effect("hastens all that waits if one of it was sent after a time, and none of it otherwise", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        const link = yield* store.claim(peer)
        const [early, late] = [message(peer, { subject: "one" }), message(peer, { subject: "one" })]
        yield* store.enqueue([early], 1_000)
        yield* store.enqueue([late], 3_000)
        yield* number(store, link, wide, 3_000)
        const answers = [answer(1n, later(9_000)), answer(2n, later(9_000))]
        yield* store.settle(link, { upTo: 2n, answers }, settling(3_000))
        assert.strictEqual(yield* store.hastenAll(2_000, 3_000), 0)
        assert.deepStrictEqual(ids(yield* number(store, link, wide, 2_000)), [])
        assert.strictEqual(yield* store.hastenAll(2_000, 2_000), 2)
        assert.deepStrictEqual(ids(yield* number(store, link, wide, 2_000)), [early.id, late.id])
      })
    )

    it.effect("writes what a transaction sends once it has to be seen, or at its end", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const { within } = yield* Transactions
        const peer = stranger()
        const [kept, taken, dropped, last] = [message(peer), message(peer), message(peer), message(peer)]
        const firsts = yield* within(
          Effect.gen(function* () {
            const first = yield* store.enqueue([kept], 1_000)
            const second = yield* store.enqueue([taken], 1_000)
            // What is undone here must not take along what was sent before it.
            yield* Effect.exit(
              within(
                Effect.gen(function* () {
                  yield* store.enqueue([dropped], 1_000)
                  assert.strictEqual((yield* store.cancel(dropped.id))?.outcome, "cancelled")
                  return yield* Effect.fail("no")
                })
              )
            )
            assert.strictEqual((yield* store.cancel(taken.id))?.outcome, "cancelled")
            yield* store.enqueue([last], 1_000)
            return [first, second]
          })
        )
        assert.deepStrictEqual(firsts[0], [peer])
        assert.deepStrictEqual(
          (yield* owedTo(peer)).map(([id]) => id),
          ids([kept, last])
        )
      })
    )

    it.effect("counts the claims in which nothing was handled, and remembers what was about to be", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        const seen: Array<readonly [number, string | undefined, number]> = []
        const claim = Effect.tap(store.claim(peer), ({ accused, fruitless, suspect }) =>
          Effect.sync(() => seen.push([fruitless, suspect, accused]))
        )
        yield* claim
        const old = yield* claim
        const link = yield* claim
        const killer = uuid()
        yield* store.accuse(link, uuid(), 1)
        for (let again = 0; again < 2; again++) yield* store.accuse(link, killer, 1)
        assert.instanceOf(yield* Effect.flip(store.accuse(old, uuid(), 5)), LinkFenced)
        const next = yield* claim
        yield* store.accuse(next, killer, next.accused + 1)
        const last = yield* claim
        yield* store.received(last, batch({ stream: uuid(), adopts: true, position: 1n, applied: [uuid()] }), 1_000)
        yield* claim
        assert.deepStrictEqual(seen, [
          [0, undefined, 0],
          [1, undefined, 0],
          [2, undefined, 0],
          [3, killer, 1],
          [4, killer, 2],
          [0, undefined, 0]
        ])
      })
    )

    it.effect("writes nothing for a receiver that is mistaken about where the stream stands", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const link = yield* store.claim(stranger())
        const stream = uuid()
        yield* store.received(link, batch({ stream, adopts: true, position: 2n }), 1_000)
        const go = (after: bigint, position: bigint) =>
          Effect.exit(store.received(link, batch({ stream, position, after: { stream, position: after } }), 1_000))
        assert.strictEqual((yield* go(1n, 3n))._tag, "Failure")
        assert.strictEqual((yield* go(2n, 3n))._tag, "Success")
        assert.strictEqual((yield* store.receiving(link)).position, 3n)
        const held = [{ protocol: "chat", subject: "room", id: uuid(), seq: 4n }]
        yield* store.received(link, batch({ stream, position: 4n, held }), 1_000)
        assert.strictEqual((yield* go(4n, 5n))._tag, "Failure")
        assert.strictEqual((yield* store.receiving(link)).position, 4n)
      })
    )

    // The last one: the store of the others claims nothing any more.
    it.effect("writes again only as long as nobody else can have sent it", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        const link = yield* store.claim(peer)
        assert.deepStrictEqual(yield* store.submit([message(peer)], 1_000, [link], true), [{ peer, first: 1n }])
        yield* (yield* Reopen).reopen
        assert.instanceOf(yield* Effect.flip(store.submit([message(peer)], 1_000, [link], true)), LinkFenced)
        assert.strictEqual((yield* store.submit([message(peer)], 1_000, [])).length, 0)
        assert.strictEqual((yield* owedTo(peer)).length, 2)
      }).pipe(Effect.scoped)
    )
  })
