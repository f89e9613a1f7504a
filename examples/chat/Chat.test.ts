/**
 * The chat protocol on two real nodes: real TCP on this machine, an embedded database each. One of them goes away and
 * comes back, and nothing is lost or doubled.
 */
import { assert, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Scope, Stream } from "effect"
import { SecureRandom } from "effect/crypto"
import { SqlClient } from "effect/sql"
import * as IdentityMemory from "holdfast/layers/IdentityMemory"
import * as Pglite from "holdfast/layers/Pglite"
import * as StoresSql from "holdfast/layers/StoresSql"
import * as TransportTcp from "holdfast/layers/TransportTcp"
import { Feed } from "holdfast/services/delivery/Feed"
import { Node } from "holdfast/services/Node"
import { Chat, createTable, lines, say, see } from "./Chat.ts"

/** A database that outlives the node on it, as a disk outlives a process. */
const database = Layer.build(Pglite.layer({ dataDir: undefined }))

/** One life of the node with this identity on this database, listening on a free port. */
const node = (seed: number, sql: Context.Context<SqlClient.SqlClient>) =>
  Node.layer({ protocols: [Chat.handled], listen: { host: "127.0.0.1", port: 0 } }).pipe(
    Layer.provideMerge(Layer.effectDiscard(createTable)),
    Layer.provideMerge(StoresSql.layer),
    Layer.provideMerge(Layer.succeedContext(sql)),
    Layer.provideMerge(IdentityMemory.layerFromSeed(new Uint8Array(32).fill(seed))),
    Layer.provideMerge(TransportTcp.layer),
    Layer.provideMerge(SecureRandom.layerWebCrypto),
    Layer.fresh,
    Layer.build
  )

/** Waits until this node's feed has told of so many events of a kind, counted from the beginning. */
const happened = (node: Context.Context<Feed>, kind: string, times = 1) =>
  Context.get(node, Feed)
    .follow({})
    .pipe(
      Stream.filter((item) => item._tag === "Event" && item.event.kind === kind),
      Stream.take(times),
      Stream.runDrain
    )

it.live("keeps a room the same on both nodes, over a restart of one of them", () =>
  Effect.gen(function* () {
    const alice = yield* node(1, yield* database)
    const disk = yield* database
    const firstLife = yield* Scope.make()
    const bob = yield* Scope.provide(node(2, disk), firstLife)
    const [a, b] = [Context.get(alice, Node), Context.get(bob, Node)]

    yield* say(b.key, "garden", "is the gate shut?").pipe(Effect.provide(alice))
    yield* b.connect(a.address!)
    yield* happened(bob, "Said")
    yield* Scope.close(firstLife, Exit.void)

    yield* say(b.key, "garden", "never mind, I went myself").pipe(Effect.provide(alice))

    const again = yield* node(2, disk)
    yield* happened(again, "Said", 2)
    yield* see(a.key, "garden").pipe(Effect.provide(again))
    yield* happened(alice, "Seen")
    assert.deepStrictEqual(yield* Effect.provide(lines(b.key, "garden"), alice), [
      { mine: true, text: "is the gate shut?", seen: true },
      { mine: true, text: "never mind, I went myself", seen: true }
    ])
  }).pipe(Effect.scoped)
)

it.live("refuses what does not belong in a room, and tells the sender", () =>
  Effect.gen(function* () {
    const alice = yield* node(1, yield* database)
    const bob = yield* node(2, yield* database)
    const [a, b] = [Context.get(alice, Node), Context.get(bob, Node)]
    yield* a.connect(b.address!)
    yield* say(b.key, "garden", "  ").pipe(Effect.provide(alice))
    yield* happened(alice, "message.refused")
    assert.deepStrictEqual(yield* Effect.provide(lines(a.key, "garden"), bob), [])
  }).pipe(Effect.scoped)
)
