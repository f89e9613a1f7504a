/**
 * What every store of what needs attention does.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { Endpoint } from "../../src/protocol/Address.ts"
import type { NodeKey } from "../../src/protocol/NodeKey.ts"
import { AttentionStore, type End, maxUntold } from "../../src/services/delivery/AttentionStore.ts"
import { RetryStore } from "../../src/services/delivery/RetryStore.ts"
import { PeerBook } from "../../src/services/link/PeerBook.ts"
import { Transactions } from "../../src/services/Transactions.ts"
import { answer, later, message, settling, stale, stranger, uuid } from "./Messages.ts"
import { Reopen, type Stores } from "./Stores.ts"

/** A time that fits no 32 bits. */
const at = 1_900_000_000_000
const one = { messages: 1, bytes: 1_000 }

const untold = (
  fields: { readonly id?: string; readonly peer?: NodeKey; readonly end?: End; readonly at?: number } = {}
) => ({
  id: uuid(),
  peer: stranger(),
  protocol: "chat",
  subject: 'a "room" – \\ ✓',
  end: { _tag: "Settled", outcome: stale } as const,
  at,
  body: new Uint8Array([0, 1, 255]),
  ...fields
})

const withoutBody = ({ body: _body, ...rest }: ReturnType<typeof untold>) => rest

export const attends = (name: string, stores: Layer.Layer<Stores | Reopen>) =>
  layer(stores)(`a store of what needs attention in ${name}`, (it) => {
    /** Nothing is left of other tests. */
    const empty = Effect.gen(function* () {
      const store = yield* AttentionStore
      for (const { id } of yield* store.untold({ limit: 10_000 })) yield* store.take(id)
      return store
    })

    it.effect("finds the peers who are owed for long, or in vain, or at no address", () =>
      Effect.gen(function* () {
        const store = yield* empty
        const retry = yield* RetryStore
        const book = yield* PeerBook
        const [fine, waiting, tried, lost] = [stranger(), stranger(), stranger(), stranger()]
        for (const peer of [fine, waiting, tried]) {
          yield* book.learn(peer, new Endpoint({ host: "127.0.0.1", port: 1 }), "advertised")
        }
        yield* retry.enqueue([message(waiting)], at)
        yield* retry.enqueue(
          [fine, waiting, tried, tried].map((peer) => message(peer)),
          at + 10
        )
        const link = yield* retry.claim(tried)
        for (let seq = 1n; seq <= 3n; seq++) {
          yield* retry.take(link, one, at + 10)
          yield* retry.settle(link, { upTo: seq, answers: [answer(seq, later(0))] }, settling(at + 10))
        }
        yield* retry.enqueue([message(lost)], at + 20)
        const all = { before: at, attempts: 2, limit: 10 }
        assert.deepStrictEqual(yield* store.owing(all), [
          { peer: waiting, messages: 2, since: at, attempts: 0, addressed: true },
          { peer: tried, messages: 2, since: at + 10, attempts: 3, addressed: true },
          { peer: lost, messages: 1, since: at + 20, attempts: 0, addressed: false }
        ])
        const peers = (query: typeof all) => Effect.map(store.owing(query), (found) => found.map(({ peer }) => peer))
        assert.deepStrictEqual(yield* peers({ ...all, before: at - 1 }), [tried, lost])
        assert.deepStrictEqual(yield* peers({ ...all, attempts: 3 }), [waiting, lost])
        assert.deepStrictEqual(yield* peers({ ...all, limit: 1 }), [waiting])
        yield* book.learn(lost, new Endpoint({ host: "127.0.0.1", port: 1 }), "advertised")
        assert.deepStrictEqual(yield* peers(all), [waiting, tried])
        for (const { id } of yield* retry.owed({ limit: 100 })) yield* retry.cancel(id)
        // One of them is still owed as an empty number, which is nobody's matter.
        assert.lengthOf(yield* retry.owed({ limit: 100 }), 1)
        assert.deepStrictEqual(yield* peers({ before: at + 100, attempts: 0, limit: 10 }), [])
      })
    )

    it.effect("keeps every field of untold messages, over a restart, until they are taken", () =>
      Effect.gen(function* () {
        const store = yield* empty
        const { reopen } = yield* Reopen
        const some = [
          untold(),
          untold({ end: { _tag: "Expired", outcome: "unknown" }, at: at + 1 }),
          untold({ end: { _tag: "Settled", outcome: { _tag: "Ok" } } })
        ].toSorted((a, b) => (a.id < b.id ? -1 : 1))
        for (const it of some.toReversed()) yield* store.keep(it)
        assert.deepStrictEqual(yield* store.untold({ limit: 10 }), some.map(withoutBody))
        assert.deepStrictEqual(yield* store.untold({ limit: 1 }), [withoutBody(some[0]!)])
        assert.deepStrictEqual(yield* store.untold({ after: some[0]!.id, limit: 1 }), [withoutBody(some[1]!)])
        const again = AttentionStore.use((it) => it.untold({ limit: 10 }))
        assert.deepStrictEqual(yield* Effect.provideContext(again, yield* reopen), some.map(withoutBody))
        assert.deepStrictEqual(yield* store.take(some[1]!.id), some[1]!.body)
        assert.isUndefined(yield* store.take(some[1]!.id))
        assert.isUndefined(yield* store.take(uuid()))
        assert.deepStrictEqual(yield* store.untold({ limit: 10 }), [some[0]!, some[2]!].map(withoutBody))
      }).pipe(Effect.scoped)
    )

    it.effect("knows of a message only how it ended last", () =>
      Effect.gen(function* () {
        const store = yield* empty
        const first = untold()
        const last = { ...first, end: { _tag: "Expired", outcome: "cancelled" }, at: at + 5 } as const
        yield* store.keep(first)
        yield* store.keep(last)
        assert.deepStrictEqual(
          (yield* store.untold({ limit: 10 })).map(({ at, end }) => [at, end]),
          [[last.at, last.end]]
        )
      })
    )

    it.effect("keeps and takes with the transaction around it, or not at all", () =>
      Effect.gen(function* () {
        const store = yield* empty
        const { within } = yield* Transactions
        const [kept, lost] = [untold(), untold()]
        yield* store.keep(kept)
        yield* Effect.exit(within(Effect.andThen(store.keep(lost), Effect.fail("no"))))
        yield* Effect.exit(within(Effect.andThen(store.take(kept.id), Effect.fail("no"))))
        assert.deepStrictEqual(yield* store.untold({ limit: 10 }), [withoutBody(kept)])
      })
    )

    it.effect("keeps no more than a bounded number of them", () =>
      Effect.gen(function* () {
        const store = yield* empty
        const { within } = yield* Transactions
        yield* within(
          Effect.forEach(Array.from({ length: maxUntold + 5 }), () => store.keep(untold()), { discard: true })
        )
        assert.lengthOf(yield* store.untold({ limit: 10_000 }), maxUntold)
      })
    )
  })
