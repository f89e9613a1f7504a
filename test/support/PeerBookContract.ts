/**
 * What every peer book does.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Endpoint } from "../../src/protocol/Address.ts"
import { RetryStore } from "../../src/services/delivery/RetryStore.ts"
import { PeerBook, StrangersKept } from "../../src/services/link/PeerBook.ts"
import { message, stranger } from "./Messages.ts"
import { Reopen, type Stores } from "./Stores.ts"

/** How many peers that nobody wants the books here keep. */
const kept = 20

const at = (port: number) => new Endpoint({ host: "peer.example", port })

export const remembers = (name: string, stores: Layer.Layer<Stores | Reopen>) =>
  layer(stores.pipe(Layer.provide(Layer.succeed(StrangersKept, kept))))(`a peer book in ${name}`, (it) => {
    it.effect("knows nobody it was not told of", () =>
      Effect.gen(function* () {
        const book = yield* PeerBook
        const peer = stranger()
        assert.isUndefined(yield* book.find(peer))
        yield* book.unwant(peer)
        assert.isUndefined(yield* book.find(peer))
      })
    )

    it.effect("wants and unwants a peer, and keeps what it knows of it", () =>
      Effect.gen(function* () {
        const book = yield* PeerBook
        const { reopen } = yield* Reopen
        const peer = stranger()
        yield* book.want(peer, undefined)
        const blank = { peer, endpoint: undefined, source: undefined, wanted: true, lastConnectedAt: undefined }
        assert.deepStrictEqual(yield* book.find(peer), blank)
        yield* book.want(peer, at(1))
        yield* book.want(peer, undefined)
        yield* book.connected(peer, 1_700_000_000_000)
        yield* book.unwant(peer)
        const known = {
          peer,
          endpoint: at(1),
          source: "configured" as const,
          wanted: false,
          lastConnectedAt: 1_700_000_000_000
        }
        assert.deepStrictEqual(yield* book.find(peer), known)
        const again = PeerBook.use((it) => it.find(peer))
        assert.deepStrictEqual(yield* Effect.provideContext(again, yield* reopen), known)
      }).pipe(Effect.scoped)
    )

    it.effect("takes an address from a source that is as good or better, from no lesser one", () =>
      Effect.gen(function* () {
        const book = yield* PeerBook
        const peer = stranger()
        const now = Effect.map(book.find(peer), (entry) => [entry?.endpoint?.port, entry?.source])
        yield* book.connected(peer, 1)
        yield* book.learn(peer, at(1), "advertised")
        yield* book.learn(peer, at(2), "advertised")
        assert.deepStrictEqual(yield* now, [2, "advertised"])
        yield* book.learn(peer, at(3), "verified")
        yield* book.learn(peer, at(4), "advertised")
        assert.deepStrictEqual(yield* now, [3, "verified"])
        yield* book.want(peer, at(5))
        yield* book.learn(peer, at(6), "verified")
        assert.deepStrictEqual(yield* now, [5, "configured"])
        yield* book.learn(peer, at(7), "configured")
        assert.deepStrictEqual(yield* now, [7, "configured"])
      })
    )

    it.effect("keeps the address of a lesser source as an alternative, until a source as good gives one", () =>
      Effect.gen(function* () {
        const book = yield* PeerBook
        const peer = stranger()
        const now = Effect.map(book.find(peer), (entry) => [entry?.endpoint?.port, entry?.alternative?.port])
        yield* book.learn(peer, at(1), "verified")
        assert.isFalse("alternative" in (yield* book.find(peer))!)
        yield* book.learn(peer, at(2), "advertised")
        assert.deepStrictEqual(yield* now, [1, 2])
        yield* book.learn(peer, at(3), "advertised")
        assert.deepStrictEqual(yield* now, [1, 3])
        yield* book.learn(peer, at(1), "advertised")
        assert.deepStrictEqual(yield* now, [1, undefined])
        yield* book.learn(peer, at(4), "advertised")
        yield* book.learn(peer, at(6), "verified")
        assert.deepStrictEqual(yield* now, [6, undefined])
        yield* book.want(peer, at(5))
        yield* book.learn(peer, at(4), "verified")
        assert.deepStrictEqual(yield* now, [5, 4])
      })
    )

    it.effect("lists peers in the order of their keys", () =>
      Effect.gen(function* () {
        const book = yield* PeerBook
        const peers = Array.from({ length: 5 }, stranger)
        for (const peer of peers) yield* book.want(peer, at(9))
        const all = (yield* book.list(10_000)).map(({ peer }) => peer)
        assert.deepStrictEqual([...all].sort(), all)
        assert.isTrue(peers.every((peer) => all.includes(peer)))
        assert.deepStrictEqual(
          (yield* book.list(3)).map(({ peer }) => peer),
          all.slice(0, 3)
        )
      })
    )

    it.effect("lists the wanted ones, wherever their keys come among those of others", () =>
      Effect.gen(function* () {
        const book = yield* PeerBook
        const peers = Array.from({ length: 8 }, stranger)
        for (const peer of peers) yield* book.connected(peer, 1)
        const chosen = peers.toSorted().slice(5)
        for (const peer of chosen) yield* book.want(peer, at(9))
        const all = (yield* book.wanted(10_000)).map(({ peer, wanted }) => [peer, wanted] as const)
        assert.deepStrictEqual(
          all.filter(([peer]) => peers.includes(peer)),
          chosen.map((peer) => [peer, true] as const)
        )
        assert.deepStrictEqual(
          (yield* book.wanted(2)).map(({ peer }) => peer),
          all.slice(0, 2).map(([peer]) => peer)
        )
        yield* book.unwant(chosen[0]!)
        assert.notInclude(
          (yield* book.wanted(10_000)).map(({ peer }) => peer),
          chosen[0]
        )
      })
    )

    it.effect("forgets of many strangers those that were connected longest ago, and nobody else", () =>
      Effect.gen(function* () {
        const book = yield* PeerBook
        const store = yield* RetryStore
        const [wanted, owed, forgiven] = [stranger(), stranger(), stranger()]
        yield* book.want(wanted, at(1))
        for (const peer of [owed, forgiven]) yield* book.connected(peer, 2)
        const debt = message(forgiven)
        yield* store.enqueue([message(owed), debt], 1_000)
        yield* store.cancel(debt.id)
        const recent = 1_800_000_000_000
        const strangers = Array.from({ length: 3 * kept }, stranger)
        for (const [n, peer] of strangers.entries()) yield* book.connected(peer, recent + n)
        // The latest comes again, which makes nobody new.
        yield* book.connected(strangers.at(-1)!, recent + 9_000)
        const left = (yield* book.list(10_000)).filter((it) => !it.wanted).map(({ peer }) => peer)
        assert.sameMembers(left, [owed, ...strangers.slice(1 - kept)])
        assert.isDefined(yield* book.find(wanted))
        // One of which no more than an address is known goes first, but not at once.
        const told = stranger()
        yield* book.learn(told, at(2), "advertised")
        assert.isDefined(yield* book.find(told))
        const next = stranger()
        yield* book.connected(next, recent + 9_001)
        assert.isUndefined(yield* book.find(told))
        assert.isDefined(yield* book.find(next))
      })
    )
  })
