import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { TestClock } from "effect/testing"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import { none } from "../../../src/services/Buggify.ts"
import * as GossipConfig from "../../../src/services/gossip/GossipConfig.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import * as WholeNode from "../../support/WholeNode.ts"

/** The hosts of the memory network have names. */
const config: GossipConfig.Config = {
  ...GossipConfig.defaults,
  addresses: { ...GossipConfig.defaults.addresses, names: true }
}

const start = (network: MemoryNetwork, seed: number, dialDiscovered = false) =>
  Effect.gen(function* () {
    const database = yield* MemoryDatabase
    return yield* WholeNode.start({ network, seed, database, points: none, decide: () => Effect.void, dialDiscovered })
  }).pipe(Effect.provide(MemoryDatabase.layer), Effect.provideService(GossipConfig.GossipConfig, config))

/** Ann and Cal each have a session with Ben, and none with each other. */
const three = Effect.fnUntraced(function* (dialDiscovered = false) {
  const network = new MemoryNetwork()
  const [ann, ben, cal] = yield* Effect.all([start(network, 1, dialDiscovered), start(network, 2), start(network, 3)])
  yield* ann.connect(ben.address)
  yield* cal.connect(ben.address)
  yield* TestClock.adjust("1 minute")
  return { ann, ben, cal }
})

describe("gossip of whole nodes", () => {
  it.effect("tells a node where another one is that it never met, so that it can be dialled by its key", () =>
    Effect.gen(function* () {
      const { ann, cal } = yield* three()
      const known = yield* ann.gossip.known
      assert.include(
        known.map(({ key }) => key),
        cal.key
      )
      const entry = yield* Effect.orDie(ann.book.find(cal.key))
      assert.strictEqual(entry?.endpoint?.toString(), cal.address.endpoint.toString())
      assert.isUndefined(ann.registry.session(cal.key))
    })
  )

  it.effect("lets a node dial those that it was told of, if it wants to", () =>
    Effect.gen(function* () {
      const { ann, cal } = yield* three(true)
      assert.isDefined(ann.registry.session(cal.key))
    })
  )

  it.effect("carries what a user says to the neighbours and no further, beside the messages", () =>
    Effect.gen(function* () {
      const { ann, ben, cal } = yield* three()
      const heard: Array<string> = []
      for (const node of [ben, cal]) {
        const stream = yield* Effect.orDie(node.gossip.subscribe("weather"))
        yield* Effect.forkScoped(
          Stream.runForEach(stream, ({ body, peer }) =>
            Effect.sync(() => void heard.push(`${node === ben ? "ben" : "cal"} ${peer === ann.key} ${body[0]}`))
          )
        )
      }
      yield* TestClock.adjust(0)
      assert.strictEqual(yield* Effect.orDie(ann.gossip.publish("weather", Uint8Array.of(7))), 1)
      yield* ann.send(ben.key, { lane: "a", n: 1 })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(heard, ["ben true 7"])
      assert.deepStrictEqual(yield* ben.handled, ["a 1"])
    })
  )

  it.effect("is not harmed by frames of a kind that a later version may bring, and counts them", () =>
    Effect.gen(function* () {
      const { ann, ben } = yield* three()
      const { session } = ann.registry.session(ben.key)!
      yield* session.send(200, Uint8Array.of(1, 2, 3))
      yield* ann.send(ben.key, { lane: "a", n: 1 })
      yield* TestClock.adjust("1 second")
      assert.strictEqual(ben.registry.session(ann.key)?.connection.framesIgnored, 1)
      assert.deepStrictEqual(yield* ben.handled, ["a 1"])
    })
  )
})
