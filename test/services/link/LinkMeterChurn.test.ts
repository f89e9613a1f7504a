/**
 * The gauge of sessions beside the truth, while nodes lose each other, dial each other at once, crash and come back.
 */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
import { none } from "../../../src/services/Buggify.ts"
import * as LinkMeter from "../../../src/services/link/LinkMeter.ts"
import * as LinkObserver from "../../../src/services/link/LinkObserver.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import { pass } from "../../support/VirtualTime.ts"
import * as WholeNode from "../../support/WholeNode.ts"

const machines = [1, 2, 3]
const others = machines.length - 1

/** Who has a session, as one who only reads transitions sees it. */
const referee = () => {
  const active = new Map<number, NodeKey>()
  return {
    hear: ({ connection, peer, to }: LinkObserver.Noted) => {
      if (to === "active" && peer !== undefined) active.set(connection, peer)
      if (to === "closed") active.delete(connection)
    },
    peers: () => new Set(active.values()).size
  }
}

const watched = Effect.fnUntraced(function* (network: MemoryNetwork, seed: number) {
  const meter = LinkMeter.make(() => 0, 5_000)
  const truth = referee()
  const samples: Array<number> = []
  const sampler: LinkObserver.Observer = {
    dialling: () => () => {},
    entered: () => {},
    left: () => assert.strictEqual(meter.reading().sessions, truth.peers()),
    noted: (transition) => {
      truth.hear(transition)
      const { sessions } = meter.reading()
      assert.strictEqual(sessions, truth.peers())
      samples.push(sessions)
    }
  }
  const database = yield* MemoryDatabase.make
  const node = yield* WholeNode.start({ network, seed, database, points: none, decide: () => Effect.void }).pipe(
    Effect.provideService(LinkObserver.LinkObserver, LinkObserver.all([meter.observer, sampler]))
  )
  return { node, meter, samples }
})

it.effect("the gauge of sessions is the number of peers at every sample, and of machines once all is calm", () =>
  Effect.gen(function* () {
    const network = new MemoryNetwork()
    const nodes = yield* Effect.forEach(machines, (seed) => watched(network, seed))
    for (const { node } of nodes) {
      for (const other of nodes) if (other.node !== node) yield* node.connect(other.node.address)
    }
    const isCalm = () => nodes.every(({ node }) => node.registry.sessions().length === others)
    /** Long enough for every back-off, and for a cut that only the heartbeat finds. */
    const calm = Effect.gen(function* () {
      for (let turn = 0; turn < 60; turn++) yield* turn > 3 && isCalm() ? Effect.void : pass("2 seconds")
      for (const { meter } of nodes) assert.strictEqual(meter.reading().sessions, others)
    })
    yield* calm
    for (let round = 0; round < 6; round++) {
      network.links.forEach((link, index) => {
        if ((index + round) % 3 === 0) link.reset()
        else if ((index + round) % 3 === 1) link.cut()
      })
      yield* calm
    }
    for (const { meter, samples } of nodes) {
      assert.isAtMost(Math.max(...samples), others)
      const { ended, pings, started } = meter.reading()
      const over = [...ended.values()].reduce((sum, count) => sum + count, 0)
      assert.isAbove(over, 0)
      const begun = started.inbound + started.outbound
      assert.strictEqual(begun - over, others)
      // Every session begins with a ping, and is counted when it is over.
      assert.isAtLeast(pings.sent, begun)
    }
  }).pipe(Effect.scoped)
)
