/**
 * What every retry store does with what is sent, up to its number; see also the contracts of settling and receiving.
 */
import { assert, layer } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, type Layer } from "effect"
import type { MessageId } from "../../src/protocol/delivery/Message.ts"
import type { NodeKey } from "../../src/protocol/NodeKey.ts"
import { LinkFenced, RetryStore } from "../../src/services/delivery/RetryStore.ts"
import { Transactions } from "../../src/services/Transactions.ts"
import { answer, ids, message, messages, refused, settling, stranger, uuid, wide, number } from "./Messages.ts"
import { Reopen, type Stores } from "./Stores.ts"

const seqs = (rows: ReadonlyArray<{ readonly seq: bigint }>) => rows.map(({ seq }) => seq)

export const sends = (name: string, stores: Layer.Layer<Stores | Reopen>) =>
  layer(stores)(`a retry store in ${name}, sending`, (it) => {
    it.effect("keeps what a committed transaction sent and nothing of one that rolled back", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const { within } = yield* Transactions
        const peer = stranger()
        const [kept, lost] = [message(peer), message(peer)]
        yield* within(store.enqueue([kept], 1_000))
        yield* Effect.exit(within(Effect.andThen(store.enqueue([lost], 1_000), Effect.fail("no"))))
        const link = yield* store.claim(peer)
        assert.deepStrictEqual(ids(yield* number(store, link, wide, 1_000)), [kept.id])
      })
    )

    it.effect("trap 12: keeps nothing of a transaction that was interrupted", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const { within } = yield* Transactions
        const peer = stranger()
        const sent = yield* Deferred.make<void>()
        const fiber = yield* store
          .enqueue([message(peer)], 1_000)
          .pipe(
            Effect.andThen(Deferred.succeed(sent, undefined)),
            Effect.andThen(Effect.never),
            within,
            Effect.forkChild
          )
        yield* Deferred.await(sent)
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(yield* store.owed({ peer, limit: 10 }), [])
        yield* store.enqueue([message(peer)], 1_000)
        assert.strictEqual((yield* store.owed({ peer, limit: 10 })).length, 1)
      })
    )

    it.effect("numbers what fits the window, one message at least, and hands out bodies unchanged", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        const body = new Uint8Array(100).map((_, index) => index * 7)
        yield* store.enqueue(messages(peer, 5, { body }), 1_000)
        const link = yield* store.claim(peer)
        const take = (count: number, bytes: number) =>
          Effect.map(number(store, link, { messages: count, bytes }, 1_000), (rows) => rows.length)
        assert.strictEqual(yield* take(0, 1_000), 0)
        assert.strictEqual(yield* take(10, 1), 1)
        assert.strictEqual(yield* take(10, 101), 2)
        const rest = yield* number(store, link, { messages: 1, bytes: 1_000 }, 1_000)
        assert.deepStrictEqual(rest[0]?.body.slice(), body)
        assert.deepStrictEqual(seqs(yield* store.numbered(link, 1n, { messages: 10, bytes: 200 })), [2n, 3n])
        assert.deepStrictEqual(seqs(yield* store.numbered(link, 2n, wide)), [3n, 4n])
        assert.deepStrictEqual(yield* store.numbered(link, 4n, wide), [])
      })
    )

    it.effect("sends to many peers in one call, also to those it has never heard of", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peers = [stranger(), stranger(), stranger()]
        yield* store.enqueue(
          peers.slice(0, 1).flatMap((peer) => messages(peer, 1)),
          1_000
        )
        const sent = peers.flatMap((peer) => messages(peer, 2))
        yield* store.enqueue(sent, 1_000)
        for (const [index, peer] of peers.entries()) {
          const link = yield* store.claim(peer)
          assert.strictEqual((yield* number(store, link, wide, 1_000)).length, index === 0 ? 3 : 2)
        }
        const debtors = yield* store.debtors(1_000)
        assert.isTrue(peers.every((peer) => debtors.includes(peer)))
        const pages: Array<NodeKey> = []
        for (let page = yield* store.debtors(2); page.length > 0; page = yield* store.debtors(2, page.at(-1))) {
          assert.isAtMost(page.length, 2)
          pages.push(...page)
        }
        assert.deepStrictEqual(pages, debtors)
        assert.deepStrictEqual(yield* store.debtors(2, debtors.at(-1)), [])
      })
    )

    it.effect("refuses an id that is owed already, and then keeps nothing of the call", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        const known = message(peer)
        yield* store.enqueue([known], 1_000)
        const error = yield* Effect.flip(store.enqueue([message(peer), known], 1_000))
        assert.strictEqual(error.reason._tag, "UniqueViolation")
        assert.deepStrictEqual(ids(yield* store.owed({ peer, limit: 10 })), [known.id])
      })
    )

    it.effect("keeps an owner whose link was taken over from writing anything", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        yield* store.enqueue(messages(peer, 2), 1_000)
        const old = yield* store.claim(peer)
        yield* number(store, old, { messages: 1, bytes: 100 }, 1_000)
        const now = yield* store.claim(peer)
        assert.strictEqual(now.epoch, old.epoch + 1n)
        const before = yield* store.positions(now)
        const stream = uuid()
        const position = { stream, adopts: true, position: 1n, applied: [uuid()], answers: [], duplicates: 0 }
        const writes = [
          number(store, old, wide, 1_000),
          store.numbered(old, 0n, wide),
          store.positions(old),
          store.settle(old, { upTo: 1n, answers: [] }, settling(1_000)),
          store.settle(old, { upTo: 1n, answers: [answer(1n, refused)] }, settling(1_000)),
          store.restart(old, stream, 0n),
          store.receiving(old),
          store.received(old, { ...position, held: [], released: [], seen: 0n }, 1_000),
          store.received(old, { ...position, adopts: false, held: [], released: [], seen: 0n }, 1_000)
        ]
        for (const write of writes) {
          const error = yield* Effect.flip(Effect.asVoid(write))
          assert.instanceOf(error, LinkFenced)
          assert.deepStrictEqual([error.peer, error.epoch], [peer, old.epoch])
        }
        assert.deepStrictEqual(yield* store.positions(now), before)
        assert.strictEqual((yield* store.owed({ peer, limit: 10 })).length, 2)
        const unknown = yield* Effect.flip(number(store, { peer: stranger(), epoch: 0n }, wide, 1_000))
        assert.instanceOf(unknown, LinkFenced)
      })
    )

    it.effect("lists what is owed page by page, oldest first, of all peers or of one", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const [one, two] = [stranger(), stranger()]
        const head = message(one)
        const sent = [head, message(two), message(one), message(one)]
        yield* store.enqueue(sent, 1_000)
        const mine = ids(sent.filter((it) => it.peer === one))
        const last = mine.at(-1)
        const first = yield* store.owed({ peer: one, limit: 2 })
        assert.deepStrictEqual(ids(first), mine.slice(0, 2))
        assert.deepStrictEqual(ids(yield* store.owed({ peer: one, after: first[1]?.id, limit: 2 })), mine.slice(2))
        assert.deepStrictEqual(ids(yield* store.owed({ after: head.id, limit: 2 })), ids(sent.slice(1, 3)))
        assert.deepStrictEqual(yield* store.owed({ peer: one, after: last, limit: 2 }), [])
        assert.deepStrictEqual(first[0], {
          id: head.id,
          peer: one,
          protocol: "chat",
          subject: "room",
          bytes: 3,
          createdAt: 1_000,
          dueAt: 1_000,
          deadline: undefined,
          seq: undefined,
          attempts: 0,
          lastOutcome: undefined,
          void: false
        })
      })
    )

    it.effect("goes on listing what is owed after a message that is owed no more", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        const time = (n: number): MessageId => `ffffffff-ffff-7${String(n).padStart(3, "0")}${uuid().slice(18)}`
        const sent = Array.from({ length: 6 }, (_, n) => message(peer, { id: time(n) }))
        const all = ids(sent)
        yield* store.enqueue(sent, 1_000)
        const [first, second, , , , last] = all
        assert.isDefined(first)
        assert.isDefined(second)
        assert.isDefined(last)
        yield* store.cancel(second)
        yield* store.cancel(last)
        assert.deepStrictEqual(ids(yield* store.owed({ peer, after: second, limit: 2 })), all.slice(2, 4))
        assert.deepStrictEqual(ids(yield* store.owed({ after: second, limit: 2 })), all.slice(2, 4))
        yield* store.cancel(first)
        assert.deepStrictEqual(ids(yield* store.owed({ peer, after: first, limit: 9 })), all.slice(2, 5))
        assert.deepStrictEqual(yield* store.owed({ peer, after: last, limit: 2 }), [])
      })
    )

    // From here on: whoever starts again takes the right to claim links away from the store that all tests share.
    it.effect("trap 5: numbers in the order of sending, without holes after a rollback or another start", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const { within } = yield* Transactions
        const { reopen } = yield* Reopen
        const peer = stranger()
        const all = messages(peer, 6)
        yield* store.enqueue(all.slice(0, 2), 1_000)
        const link = yield* store.claim(peer)
        const first = yield* number(store, link, { messages: 1, bytes: 100 }, 1_000)
        yield* Effect.exit(within(Effect.andThen(number(store, link, wide, 1_000), Effect.fail("no"))))
        yield* Effect.exit(within(Effect.andThen(store.enqueue(messages(peer, 3), 1_000), Effect.fail("no"))))
        yield* store.enqueue(all.slice(2), 1_000)
        yield* reopen
        const second = yield* number(store, link, wide, 1_000)
        assert.deepStrictEqual(seqs([...first, ...second]), [1n, 2n, 3n, 4n, 5n, 6n])
        assert.deepStrictEqual(ids([...first, ...second]), ids(all))
      }).pipe(Effect.scoped)
    )

    it.effect("claims no link any more once the node was started again", () =>
      Effect.gen(function* () {
        const { reopen } = yield* Reopen
        const peer = stranger()
        const old = Context.get(yield* reopen, RetryStore)
        yield* old.claim(peer)
        const now = Context.get(yield* reopen, RetryStore)
        const refused = yield* Effect.flip(old.claim(peer))
        assert.deepStrictEqual(refused, new LinkFenced({ peer, epoch: 0n }))
        assert.include(refused.message, "another process owns the node")
        assert.strictEqual((yield* now.claim(peer)).epoch, 2n)
      }).pipe(Effect.scoped)
    )

    it.effect("counts its starts and keeps its id and its streams", () =>
      Effect.gen(function* () {
        const { reopen } = yield* Reopen
        const store = Context.get(yield* reopen, RetryStore)
        const peer = stranger()
        const link = yield* store.claim(peer)
        const { sending } = yield* store.positions(link)
        const positions = Effect.gen(function* () {
          const again = yield* RetryStore
          assert.strictEqual(again.databaseId, store.databaseId)
          assert.isAbove(Number(again.incarnation), Number(store.incarnation))
          const claimed = yield* again.claim(peer)
          assert.strictEqual(claimed.epoch, link.epoch + 1n)
          return yield* again.positions(claimed)
        })
        assert.deepStrictEqual((yield* Effect.provideContext(positions, yield* reopen)).sending, sending)
      }).pipe(Effect.scoped)
    )
  })
