/**
 * What every store of known Bitcoin nodes does.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Endpoint } from "../../src/protocol/Address.ts"
import { type KnownPeer, PeersKept, PeerStore } from "../../src/services/bitcoin/PeerStore.ts"
import { Reopen, type Stores } from "./Stores.ts"

/** A time that fits no 32 bits. */
const since = 1_900_000_000_000

const at = (host: string, port = 8_333): Endpoint => new Endpoint({ host, port })
const peer = (endpoint: Endpoint, status: KnownPeer["status"], after = 0): KnownPeer => ({
  endpoint,
  status,
  since: since + after
})

let networks = 0
/** One that no other test uses. */
const network = () => `network-${networks++}`

const a = at("10.0.0.1")
const b = at("10.0.0.2")
const c = at("10.0.0.10")

/** `stores` with room for `kept` nodes. */
export const keeps = (name: string, stores: Layer.Layer<Stores | Reopen>, kept: number) =>
  layer(stores.pipe(Layer.provide(Layer.succeed(PeersKept, kept))))(`a store of Bitcoin peers in ${name}`, (it) => {
    it.effect("keeps every field, over a restart", () =>
      Effect.gen(function* () {
        const store = yield* PeerStore
        const net = network()
        const known: KnownPeer = { ...peer(at("2001:db8::1", 18_444), "Banned"), reason: 'its agent is "ABC" ✓' }
        yield* store.mark(net, known)
        yield* store.mark(net, peer(a, "Valid"))
        const { reopen } = yield* Reopen
        const again = yield* Effect.provide(PeerStore, yield* reopen)
        assert.deepStrictEqual(yield* again.find(net, known.endpoint), known)
        assert.deepStrictEqual(yield* again.find(net, a), peer(a, "Valid"))
        assert.isUndefined(yield* again.find(net, b))
        assert.isUndefined(yield* again.find(network(), a))
      })
    )

    it.effect("notes who is heard of, and leaves alone who is known", () =>
      Effect.gen(function* () {
        const store = yield* PeerStore
        const net = network()
        yield* store.mark(net, { ...peer(a, "Banned"), reason: "no" })
        assert.strictEqual(yield* store.learn(net, [a, b, b, c], since + 5), 2)
        assert.strictEqual(yield* store.learn(net, [a, b, c], since + 9), 0)
        assert.strictEqual(yield* store.learn(net, [], since), 0)
        assert.deepStrictEqual(yield* store.find(net, b), peer(b, "Unknown", 5))
        assert.deepStrictEqual(yield* store.count(net), { Valid: 0, Unknown: 2, Inaccessible: 0, Banned: 1 })
      })
    )

    it.effect("tells one port of a host from another", () =>
      Effect.gen(function* () {
        const store = yield* PeerStore
        const net = network()
        yield* store.learn(net, [at("10.0.0.1", 1), at("10.0.0.1", 2)], since)
        assert.isTrue(yield* store.forget(net, at("10.0.0.1", 1)))
        assert.isFalse(yield* store.forget(net, at("10.0.0.1", 1)))
        assert.deepStrictEqual(
          (yield* store.list(net, { limit: 10 })).map(({ endpoint }) => endpoint.port),
          [2]
        )
      })
    )

    it.effect("gives to dial who is valid, the newest first, then who is unknown, the oldest first", () =>
      Effect.gen(function* () {
        const store = yield* PeerStore
        const net = network()
        yield* store.mark(net, peer(at("10.0.1.1"), "Valid", 1))
        yield* store.mark(net, peer(at("10.0.1.2"), "Valid", 2))
        yield* store.mark(net, peer(at("10.0.1.3"), "Unknown", 4))
        yield* store.mark(net, peer(at("10.0.1.4"), "Unknown", 3))
        yield* store.mark(net, peer(at("10.0.1.5"), "Banned"))
        yield* store.mark(net, peer(at("10.0.1.6"), "Inaccessible"))
        const hosts = (limit: number) =>
          Effect.map(store.candidates(net, limit), (all) => all.map(({ host }) => host.slice(-1)).join(""))
        assert.strictEqual(yield* hosts(10), "2143")
        assert.strictEqual(yield* hosts(3), "214")
        assert.strictEqual(yield* hosts(1), "2")
      })
    )

    it.effect("lists the newest first, of one status if it is asked for", () =>
      Effect.gen(function* () {
        const store = yield* PeerStore
        const net = network()
        for (const [after, endpoint] of [a, b, c].entries()) yield* store.mark(net, peer(endpoint, "Valid", after))
        yield* store.mark(net, peer(b, "Inaccessible", 7))
        const list = (options: Parameters<typeof store.list>[1]) =>
          Effect.map(store.list(net, options), (all) => all.map(({ endpoint }) => endpoint))
        assert.deepStrictEqual(yield* list({ limit: 10 }), [b, c, a])
        assert.deepStrictEqual(yield* list({ limit: 2 }), [b, c])
        assert.deepStrictEqual(yield* list({ limit: 10, status: "Valid" }), [c, a])
        assert.deepStrictEqual(yield* list({ limit: 10, status: "Banned" }), [])
      })
    )

    it.effect("forgets a reason with the status that had it", () =>
      Effect.gen(function* () {
        const store = yield* PeerStore
        const net = network()
        yield* store.mark(net, { ...peer(a, "Inaccessible"), reason: "nobody answers" })
        yield* store.mark(net, peer(a, "Valid", 1))
        assert.deepStrictEqual(yield* store.find(net, a), peer(a, "Valid", 1))
      })
    )

    it.effect("forgets who is inaccessible, then who is unknown, where there are too many, and nobody else", () =>
      Effect.gen(function* () {
        const store = yield* PeerStore
        const net = network()
        const many = (third: number) => Array.from({ length: kept }, (_, n) => at(`10.1.${third}.${n}`))
        yield* store.mark(net, peer(a, "Valid"))
        yield* store.mark(net, peer(b, "Banned"))
        yield* store.mark(net, peer(c, "Inaccessible", 10))
        yield* store.learn(net, many(0), since + 1)
        assert.deepStrictEqual(yield* store.count(net), { Valid: 1, Unknown: kept - 2, Inaccessible: 0, Banned: 1 })
        yield* store.learn(net, [at("10.2.0.0")], since + 2)
        assert.deepStrictEqual(yield* store.find(net, at("10.2.0.0")), peer(at("10.2.0.0"), "Unknown", 2))
        assert.strictEqual((yield* store.count(net)).Unknown, kept - 2)
      })
    )
  })
