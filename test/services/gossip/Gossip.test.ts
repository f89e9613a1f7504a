import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Latch, Layer, Scope, Stream } from "effect"
import * as Announcement from "../../../src/protocol/gossip/Announcement.ts"
import * as GossipFrame from "../../../src/protocol/gossip/GossipFrame.ts"
import { Kind } from "../../../src/protocol/link/Frame.ts"
import * as NodeSecret from "../../../src/protocol/NodeSecret.ts"
import { Endpoint } from "../../../src/protocol/Address.ts"
import { Discovery } from "../../../src/services/gossip/Discovery.ts"
import type { Gossip } from "../../../src/services/gossip/Gossip.ts"
import * as GossipConfig from "../../../src/services/gossip/GossipConfig.ts"
import { PeerBook } from "../../../src/services/link/PeerBook.ts"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import * as PeerBookMemory from "../../../src/layers/PeerBookMemory.ts"
import { type GossipNode, link, session, start } from "../../support/GossipNode.ts"
import { seeded, mangled } from "../../support/Malformed.ts"
import { stranger } from "../../support/Messages.ts"
import { pass, settle } from "../../support/VirtualTime.ts"

const bytes = (...values: ReadonlyArray<number>): Uint8Array => Uint8Array.from(values)
const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const frame = (topic: string, body: Uint8Array): Uint8Array => GossipFrame.gossip.encode({ topic, body })

const knows = (node: GossipNode, other: { readonly key: string }) =>
  Effect.map(node.gossip.known, (known) => known.find(({ key }) => key === other.key))

const counts = (node: GossipNode) => node.gossip.counts

/** Reads everything that is said about a topic from now on. */
const reader = Effect.fnUntraced(function* (node: { readonly gossip: Gossip["Service"] }, topic: string) {
  const heard: Array<string> = []
  const said = yield* node.gossip.subscribe(topic)
  yield* Effect.forkScoped(
    Stream.runForEach(said, ({ body, peer }) =>
      Effect.sync(() => void heard.push(`${peer.slice(0, 4)} ${new TextDecoder().decode(body)}`))
    )
  )
  return heard
})

describe("a topic", () => {
  it.effect("is heard by the readers at every neighbour, and goes one step", () =>
    Effect.gen(function* () {
      const [a, b, c] = [yield* start({ seed: 1 }), yield* start({ seed: 2 }), yield* start({ seed: 3 })]
      yield* link(a, b)
      yield* link(b, c)
      const [atA, atB, alsoAtB, atC] = [
        yield* reader(a, "weather"),
        yield* reader(b, "weather"),
        yield* reader(b, "weather"),
        yield* reader(c, "weather")
      ]
      assert.strictEqual(yield* a.gossip.publish("weather", text("rain")), 1)
      assert.strictEqual(yield* b.gossip.publish("weather", text("sun")), 2)
      yield* settle
      const [rain, sun] = [`${a.key.slice(0, 4)} rain`, `${b.key.slice(0, 4)} sun`]
      assert.deepStrictEqual([atA, atB, alsoAtB, atC], [[sun], [rain], [rain], [sun]])
    })
  )

  it.effect("that nobody reads is counted and changes nothing", () =>
    Effect.gen(function* () {
      const [a, b] = [yield* start({ seed: 1 }), yield* start({ seed: 2 })]
      yield* link(a, b)
      yield* a.gossip.publish("weather", text("rain"))
      const scope = yield* Scope.make()
      yield* Scope.provide(reader(b, "weather"), scope)
      yield* a.gossip.publish("weather", text("sun"))
      yield* Scope.close(scope, Exit.void)
      yield* a.gossip.publish("weather", text("snow"))
      yield* settle
      const { topicsRead, topicsUnknown } = yield* counts(b)
      assert.deepStrictEqual([topicsRead, topicsUnknown], [1, 2])
    })
  )

  it.effect("is refused where it is none, is the protocol's own, or has too much to say", () =>
    Effect.gen(function* () {
      const { gossip } = yield* start({ seed: 1 })
      const problem = (topic: string, length = 1) =>
        Effect.map(Effect.flip(gossip.publish(topic, new Uint8Array(length))), ({ message }) => message)
      assert.match(yield* problem("two words"), /nothing can be said about "two words": a topic is 1 to 64 ASCII/)
      assert.match(yield* problem("addresses"), /the protocol's own/)
      assert.match(yield* problem("weather", 16_385), /16385 bytes, 16384 are allowed/)
      assert.strictEqual(yield* gossip.publish("weather", new Uint8Array(16_384)), 0)
      assert.match((yield* Effect.flip(Effect.scoped(gossip.subscribe("")))).message, /a topic is 1 to 64/)
      assert.match((yield* Effect.flip(Effect.scoped(gossip.subscribe("addresses")))).message, /the protocol's own/)
    })
  )

  it.effect("is lost to a reader that is too slow, the oldest first", () =>
    Effect.gen(function* () {
      const node = yield* start({ seed: 1, config: { readerQueue: 4 } })
      const { hear } = yield* session(node, stranger())
      const said = yield* node.gossip.subscribe("weather")
      for (let i = 0; i < 10; i++) assert.isUndefined(hear(frame("weather", bytes(i))))
      const heard = yield* Stream.runCollect(Stream.take(said, 4))
      assert.deepStrictEqual(
        heard.map(({ body }) => body[0]),
        [6, 7, 8, 9]
      )
    })
  )

  it.effect("ends for a reader with its scope", () =>
    Effect.gen(function* () {
      const node = yield* start({ seed: 1 })
      const scope = yield* Scope.make()
      const said = yield* Scope.provide(node.gossip.subscribe("weather"), scope)
      const reading = yield* Effect.forkChild(Stream.runCollect(said))
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* Fiber.join(reading), [])
    })
  )

  it.effect("comes from one peer so fast and no faster, and others are heard all the same", () =>
    Effect.gen(function* () {
      const node = yield* start({ seed: 1, config: { topics: { burst: 5, perSecond: 1 } } })
      const loud = yield* session(node, stranger())
      const quiet = yield* session(node, stranger())
      const heard = yield* reader(node, "weather")
      for (let i = 0; i < 1_000; i++) assert.isUndefined(loud.hear(frame(i % 2 === 0 ? "weather" : "else", text("!"))))
      quiet.hear(frame("weather", text("?")))
      yield* settle
      const { topicsDropped, topicsRead, topicsUnknown } = yield* counts(node)
      assert.deepStrictEqual([topicsDropped, topicsRead, topicsUnknown, heard.length], [995, 4, 2, 4])
      yield* pass("1 second")
      loud.hear(frame("weather", text("!")))
      assert.strictEqual((yield* counts(node)).topicsRead, 5)
    })
  )
})

describe("addresses", () => {
  it.effect("of all nodes come to all nodes, whatever their order, and to their peer books", () =>
    Effect.gen(function* () {
      const nodes: Array<GossipNode> = []
      for (let seed = 1; seed <= 6; seed++) nodes.push(yield* start({ seed }))
      const [a, b, c, d, e, f] = nodes
      const links = [
        yield* link(a!, b!),
        yield* link(b!, c!),
        yield* link(c!, d!),
        yield* link(d!, e!),
        yield* link(e!, a!),
        yield* link(c!, f!)
      ]
      yield* pass("10 seconds")
      for (const node of nodes) {
        const others = nodes.filter((other) => other !== node).map(({ host, key }) => `${key} ${host}:4000`)
        assert.deepStrictEqual([...node.learned].sort(), others.sort())
        for (const other of nodes) assert.strictEqual((yield* knows(node, other))?.host, other.host)
      }
      const frames = () => links.reduce((sum, { frames }) => sum + frames(), 0)
      const atFirst = frames()
      assert.isAtMost(atFirst, 2 * links.length * nodes.length)
      yield* pass("1 hour")
      assert.strictEqual(frames(), atFirst)
      // Renewed at half of their lives, for ever.
      yield* pass("12 hours")
      for (const node of nodes) for (const other of nodes) assert.isDefined(yield* knows(node, other))
      assert.deepStrictEqual(
        links.flatMap(({ violations }) => violations),
        []
      )
    })
  )

  it.effect("of a node that is gone are forgotten with their end", () =>
    Effect.gen(function* () {
      const [a, b] = [yield* start({ seed: 1 }), yield* start({ seed: 2 })]
      const between = yield* link(a, b)
      yield* pass("1 second")
      assert.strictEqual((yield* counts(a)).sessions, 1)
      yield* between.end
      assert.strictEqual((yield* counts(a)).sessions, 0)
      yield* pass("179 minutes")
      assert.isDefined(yield* knows(a, b))
      yield* pass("1 minute")
      assert.isUndefined(yield* knows(a, b))
    })
  )

  it.effect("are not told by a node that listens nowhere, everywhere, or does not want to; it hears of others", () =>
    Effect.gen(function* () {
      for (const options of [{ listens: false }, { host: "0.0.0.0" }, { config: { announce: false } }]) {
        const node = yield* start({ seed: 1, ...options })
        const other = yield* start({ seed: 2 })
        yield* link(node, other)
        yield* pass("10 seconds")
        assert.isUndefined(yield* knows(other, node))
        assert.isUndefined(yield* knows(node, node))
        assert.isDefined(yield* knows(node, other))
      }
    })
  )

  it.effect("are not waited for: a slow peer book keeps no news from others", () =>
    Effect.gen(function* () {
      const never = Latch.makeUnsafe(false)
      const [a, b, c] = [
        yield* start({ seed: 1 }),
        yield* start({ seed: 2, learn: () => never.await }),
        yield* start({ seed: 3 })
      ]
      yield* link(a, b)
      yield* link(b, c)
      yield* pass("10 seconds")
      assert.isDefined(yield* knows(c, a))
    })
  )

  it.effect("go into the peer book below what was configured or proven, and a failing book ends nothing", () =>
    Effect.gen(function* () {
      const book = yield* PeerBook
      const discovery = yield* Discovery
      const [configured, verified, unknown] = [stranger(), stranger(), stranger()]
      const old = new Endpoint({ host: "10.0.0.1", port: 4_000 })
      const announced = new Endpoint({ host: "10.0.0.2", port: 5_000 })
      yield* book.want(configured, old)
      yield* book.learn(verified, old, "verified")
      for (const peer of [configured, verified, unknown]) yield* discovery.learn(peer, announced)
      const entries = yield* Effect.forEach([configured, verified, unknown], book.find)
      assert.deepStrictEqual(
        entries.map((entry) => [entry?.source, entry?.endpoint?.port, entry?.wanted]),
        [
          ["configured", 4_000, true],
          ["verified", 4_000, false],
          ["advertised", 5_000, false]
        ]
      )
    }).pipe(
      Effect.provide(
        Discovery.layer.pipe(Layer.provideMerge(PeerBookMemory.layer), Layer.provide(MemoryDatabase.layer))
      )
    )
  )
})

describe("a frame", () => {
  it.effect("that is malformed, oversized or forged is a violation; one of a session that has ended is nothing", () =>
    Effect.gen(function* () {
      const node = yield* start({ seed: 1 })
      const { end, hear } = yield* session(node, stranger())
      const other = NodeSecret.fromSeed(new Uint8Array(32).fill(9))
      const unsigned = { key: other.key, host: "10.0.0.9", port: 4_000, issuedMillis: 0, lifeMillis: 3_600_000 }
      const signed = Announcement.sign("test", unsigned, (message) => NodeSecret.sign(other, message))
      const address = (record: Announcement.Announcement) =>
        frame(GossipFrame.addresses, GossipFrame.addressBody.encode({ records: [record] }))
      assert.match(hear(bytes(1, 2, 3)) ?? "", /GOSSIP is not readable/)
      assert.match(hear(new Uint8Array(20_000)) ?? "", /20000 bytes, 16640 at most/)
      assert.match(hear(frame(GossipFrame.addresses, bytes(0xa0))) ?? "", /GOSSIP of addresses is not readable/)
      assert.match(hear(address({ ...signed, port: 4_001 })) ?? "", /is not signed by it/)
      assert.isUndefined(hear(address(signed)))
      assert.isDefined(yield* knows(node, other))
      yield* end
      assert.isUndefined(hear(bytes(1, 2, 3)))
    })
  )

  it.effect("never throws, however it is spoilt", () =>
    Effect.gen(function* () {
      const node = yield* start({ seed: 1 })
      const other = yield* start({ seed: 2 })
      const { said } = yield* session(other, stranger())
      yield* settle
      assert.deepStrictEqual(
        said.map(({ kind }) => kind),
        [Kind.Gossip]
      )
      const random = seeded(5)
      let violations = 0
      for (let i = 0; i < 2_000; i++) {
        const { hear } = yield* session(node, stranger())
        if (hear(mangled(random, said[0]!.body)) !== undefined) violations++
      }
      assert.isAbove(violations, 1_000)
    })
  )
})

describe("gossip that is switched off", () => {
  it.effect("says nothing and reads nothing", () =>
    Effect.gen(function* () {
      const off = yield* start({ seed: 1, config: { enabled: false } })
      const other = yield* start({ seed: 2 })
      const between = yield* link(off, other)
      const { hear, said } = yield* session(off, stranger())
      assert.strictEqual(yield* off.gossip.publish("weather", text("rain")), 0)
      yield* other.gossip.publish("weather", text("rain"))
      assert.isUndefined(hear(bytes(1, 2, 3)))
      yield* pass("4 hours")
      assert.deepStrictEqual([said, yield* off.gossip.known, off.learned], [[], [], []])
      assert.strictEqual((yield* counts(off)).topicsUnknown, 0)
      assert.isAbove(between.frames(), 1)
    })
  )

  it("is on by default", () => {
    assert.isTrue(GossipConfig.defaults.enabled)
  })
})

describe("the loops of gossip", () => {
  it.effect("end with their layer, and nothing is said after", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const node = yield* Scope.provide(start({ seed: 1 }), scope)
      const { said } = yield* session(node, stranger())
      yield* settle
      assert.strictEqual(said.length, 1)
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* Fiber.join(closing)
      yield* pass("4 hours")
      assert.strictEqual(said.length, 1)
    })
  )
})
