import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Layer } from "effect"
import * as BanStoreMemory from "../../../src/layers/BanStoreMemory.ts"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import * as PeerBookMemory from "../../../src/layers/PeerBookMemory.ts"
import * as Ban from "../../../src/protocol/link/Ban.ts"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import * as LinkMessage from "../../../src/protocol/link/LinkMessage.ts"
import { BanGate } from "../../../src/services/link/BanGate.ts"
import { Bans } from "../../../src/services/link/Bans.ts"
import { Registry } from "../../../src/services/link/Registry.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import * as HostilePeer from "../../support/HostilePeer.ts"
import { arbiter, config, follower, keyOf, type LinkNode, type Options, start } from "../../support/LinkNode.ts"
import { pass, settle } from "../../support/VirtualTime.ts"

const key = keyOf(follower)
const heartbeat = { ...config.heartbeat, interval: 3_600_000, timeout: 7_200_000 }

/** A node, and the bans over its connections; nobody is asked for at its gate, so that nothing else ends anything. */
const banning = Effect.fnUntraced(function* (options: Partial<Options> = {}) {
  const network = new MemoryNetwork()
  const node = yield* start({ ...options, network, seed: arbiter, config: { ...options.config, heartbeat } })
  const stores = Layer.merge(BanStoreMemory.layer, PeerBookMemory.layer).pipe(Layer.provide(MemoryDatabase.layer))
  const layer = Bans.layer.pipe(Layer.provide(stores), Layer.provide(Layer.succeed(Registry, node.registry)))
  const bans = Context.get(yield* Layer.build(Layer.fresh(layer)), Bans)
  const dial = (host: string) =>
    HostilePeer.dial(network.transport(host), node.address.endpoint, {
      seed: new Uint8Array(32).fill(follower),
      expected: node.key
    })
  return { network, node, bans, dial }
})

const states = ({ registry }: LinkNode) =>
  registry.recent().flatMap((it) => (it.to === "closed" ? [`${it.from}: ${it.detail}`] : []))

describe("a ban reaches", () => {
  it.effect("a lane from a banned host, and not its session from another one", () =>
    Effect.gen(function* () {
      const { bans, dial, node } = yield* banning({ config: { lanes: 2 } })
      const zero = yield* dial("10.1.0.1")
      yield* zero.hello({ lanes: 2 })
      yield* zero.take(Frame.Kind.Commit)
      const lane = yield* dial("10.1.0.2")
      yield* lane.send(Frame.Kind.Join, LinkMessage.join.encode({ session: 1n, lane: 1 }))
      yield* lane.take(Frame.Kind.Joined)
      yield* settle
      const { session } = node.registry.session(key)!
      assert.deepStrictEqual(session.openLanes, [0, 1])
      yield* bans.order(Ban.ofHost("10.1.0.2"), { reason: "spam" })
      const { word } = yield* lane.farewell
      assert.deepInclude(word?._tag === "Goodbye" ? word.goodbye : undefined, { reason: "unwanted" })
      yield* pass("3 seconds")
      assert.deepStrictEqual(session.openLanes, [0])
      assert.deepStrictEqual(states(node), ["lane: banned: spam"])
      assert.isDefined(node.registry.session(key))
      yield* bans.order(Ban.ofHost("10.1.0.1"), { reason: "spam" })
      yield* pass("3 seconds")
      assert.isUndefined(node.registry.session(key))
    })
  )

  it.effect("a session whose handler still waits for the end of the last one", () =>
    Effect.gen(function* () {
      const over = yield* Deferred.make<void>()
      const handle = () => Effect.uninterruptible(Deferred.await(over))
      const { bans, dial, node } = yield* banning({ handle })
      yield* Effect.addFinalizer(() => Deferred.succeed(over, undefined))
      const first = yield* dial("10.1.0.1")
      yield* first.hello()
      yield* first.take(Frame.Kind.Commit)
      yield* settle
      yield* first.end
      yield* pass("3 seconds")
      const second = yield* dial("10.1.0.1")
      yield* second.hello()
      yield* second.take(Frame.Kind.Commit)
      yield* settle
      assert.strictEqual(node.sessions.length, 1, "the second one waits")
      yield* bans.order(Ban.ofPeer(key), { reason: "spam" })
      const { word } = yield* second.farewell
      assert.deepInclude(word?._tag === "Goodbye" ? word.goodbye : undefined, { detail: "banned: spam" })
      yield* Deferred.succeed(over, undefined)
      yield* pass("3 seconds")
      assert.isUndefined(node.registry.session(key))
    })
  )

  it.effect("a connection that waits to become the session", () =>
    Effect.gen(function* () {
      const { bans, dial, node } = yield* banning()
      const first = yield* dial("10.1.0.1")
      yield* first.hello()
      yield* first.take(Frame.Kind.Commit)
      const second = yield* dial("10.1.0.2")
      yield* second.hello({ database: HostilePeer.uuid(777), instance: HostilePeer.uuid(778) })
      yield* settle
      yield* bans.order(Ban.ofHost("10.1.0.2"), { reason: "spam", forMillis: 5_000 })
      const { word } = yield* second.farewell
      const told = { reason: "banned" as const, detail: "spam", retryAfterMillis: 5_000 }
      assert.deepInclude(word?._tag === "Reject" ? word.reject : undefined, told)
      assert.isDefined(node.registry.session(key))
    })
  )
})

describe("a lane that was waited for", () => {
  it.effect("is not opened for a host that is banned by then", () =>
    Effect.gen(function* () {
      const kept = new Set<string>()
      const keptOut = (_: unknown, host: string) => (kept.has(host) ? { reason: "spam", forMillis: 5_000 } : undefined)
      const { dial, network, node } = yield* banning({ config: { lanes: 2 } }).pipe(
        Effect.provideService(BanGate, { closedFor: () => 0, keptOut, offended: () => undefined })
      )
      const zero = yield* dial("10.1.0.1")
      yield* zero.hello({ lanes: 2 })
      yield* zero.take(Frame.Kind.Commit)
      const join = LinkMessage.join.encode({ session: 1n, lane: 1 })
      const old = yield* dial("10.1.0.2")
      yield* old.send(Frame.Kind.Join, join)
      yield* old.take(Frame.Kind.Joined)
      yield* settle
      network.links.at(-1)!.cut()
      const next = yield* dial("10.1.0.3")
      yield* next.send(Frame.Kind.Join, join)
      yield* settle
      kept.add("10.1.0.3")
      yield* pass(config.probeTimeout)
      const { word } = yield* next.farewell
      assert.deepInclude(word?._tag === "Reject" ? word.reject : undefined, { reason: "banned", detail: "spam" })
      assert.deepStrictEqual(node.registry.session(key)!.session.openLanes, [0])
    })
  )
})
