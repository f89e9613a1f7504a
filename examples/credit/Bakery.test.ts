/**
 * The bakery and its customers at nodes of their own: real TCP on this machine, an embedded database each, and nobody connected by
 * hand.
 */
import { assert, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Redacted } from "effect"
import { SecureRandom } from "effect/crypto"
import * as IdentityMemory from "holdfast/layers/IdentityMemory"
import * as Pglite from "holdfast/layers/Pglite"
import * as StoresSql from "holdfast/layers/StoresSql"
import * as TransportTcp from "holdfast/layers/TransportTcp"
import { Cuid } from "holdfast/protocol/credit/Chad"
import { Credit } from "holdfast/services/credit/Credit"
import * as CreditProtocol from "holdfast/services/credit/CreditProtocol"
import * as CreditTables from "holdfast/services/credit/CreditTables"
import { Keyring } from "holdfast/services/credit/Keyring"
import { Node } from "holdfast/services/Node"
import { Records } from "holdfast/services/Records"
import { buy, join, openShop, payOver, welcome } from "./Bakery.ts"

/** A node with credit, listening on a free port, which its certificates name. */
const node = (seed: number) =>
  Credit.layer.pipe(
    Layer.provideMerge(
      Node.layer({ protocols: [CreditProtocol.Credit.handled], listen: { host: "127.0.0.1", port: 0 } })
    ),
    Layer.provideMerge(Layer.effectDiscard(Effect.forEach(CreditTables.all, Records.migration))),
    Layer.provideMerge(StoresSql.layer),
    Layer.provideMerge(Pglite.layer({ dataDir: undefined })),
    Layer.provideMerge(IdentityMemory.layerFromSeed(new Uint8Array(32).fill(seed))),
    Layer.provideMerge(Keyring.layer(Redacted.make(new Uint8Array(32).fill(100 + seed)))),
    Layer.provideMerge(TransportTcp.layer),
    Layer.provideMerge(SecureRandom.layerWebCrypto),
    Layer.fresh,
    Layer.build
  )

const [bakery, ann, bob] = [Cuid.make("bakery"), Cuid.make("ann"), Cuid.make("bob")]

it.live("lets customers pay later, each order once, and pay over each other", () =>
  Effect.gen(function* () {
    const [shop, home, other] = [yield* node(1), yield* node(2), yield* node(3)]
    const door = yield* Effect.provide(openShop(bakery), shop)
    const serving = yield* Effect.forkChild(Effect.provide(welcome(bakery), shop))
    const anns = yield* Effect.provide(join(ann, door), home)

    const first = yield* Effect.provide(buy(ann, anns, "2031", 4_200n), home)
    assert.strictEqual(yield* Effect.provide(buy(ann, anns, "2031", 4_200n), home), first)
    const half = yield* Context.get(home, Credit).tally(ann, anns)
    assert.strictEqual(half?.sums.net, 4_200n)

    // Ann takes Bob's word as the bakery takes hers, so Bob buys there without a tally of his own.
    const word = yield* Effect.provide(openShop(ann), home)
    const taking = yield* Effect.forkChild(Effect.provide(welcome(ann), home))
    yield* Effect.provide(join(bob, word), other)
    const to = { cuid: bakery, agent: Context.get(shop, Node).key }
    assert.strictEqual(yield* Effect.provide(payOver(bob, to, 3_000n), other), "good")
    assert.strictEqual((yield* Context.get(home, Credit).tally(ann, anns))?.sums.net, 7_200n)
    yield* Effect.forEach([serving, taking], Fiber.interrupt)
  }).pipe(Effect.scoped)
)
