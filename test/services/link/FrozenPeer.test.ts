/**
 * A whole link whose peer falls silent, in virtual time: when that is noticed, for every profile of the heartbeat. The
 * same with real processes is in `test/integration/FrozenPeer.integration.test.ts`.
 */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import * as Heartbeat from "../../../src/protocol/link/Heartbeat.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import * as LinkNode from "../../support/LinkNode.ts"
import { pass } from "../../support/VirtualTime.ts"

/** From the last frame to the end: within the time-out and what docs/PROTOCOL.md, 5 says, in milliseconds. */
const bounds = { fast: 6_000, default: 37_500, relaxed: 390_000 } as const

const ends = ({ registry }: LinkNode.LinkNode) =>
  registry.recent().filter(({ from, to }) => from === "active" && to === "closed")

/** Two nodes that have been idle for long enough that nothing but the heartbeat goes to and fro. */
const idle = Effect.fnUntraced(function* (heartbeat: Heartbeat.Profile) {
  const network = new MemoryNetwork()
  const nodes = yield* Effect.forEach([1, 2], (seed) => LinkNode.start({ network, seed, config: { heartbeat } }))
  yield* nodes[0]!.want(nodes[1]!)
  yield* pass(10 * heartbeat.interval + 1_234)
  const live = nodes.map(({ registry }) => registry.sessions()[0])
  // Nobody finds another way.
  network.onDial = () => "refuse"
  for (const link of network.links) link.cut()
  return { network, nodes, lastFrames: live.map((it) => it?.connection.heartbeat.lastFrame ?? Number.NaN) }
})

describe("a peer that falls silent", () => {
  for (const profile of ["fast", "default", "relaxed"] as const) {
    const heartbeat = Heartbeat.profiles[profile]
    const step = heartbeat.interval / 20

    it.effect(`is noticed on both sides in the time of profile ${profile}, and not before`, () =>
      Effect.gen(function* () {
        const { lastFrames, nodes } = yield* idle(heartbeat)
        for (let waited = 0; waited < bounds[profile]; waited += step) yield* pass(step)
        for (const [index, node] of nodes.entries()) {
          const [end] = ends(node)
          assert.strictEqual(end?.reason, "silent")
          const silent = (end?.at ?? 0) - lastFrames[index]!
          assert.isAtLeast(silent, heartbeat.timeout)
          assert.isAtMost(silent, bounds[profile])
        }
      })
    )

    it.effect(`keeps its session in profile ${profile} if it answers a moment before the time-out`, () =>
      Effect.gen(function* () {
        const { lastFrames, network, nodes } = yield* idle(heartbeat)
        const now = yield* Clock.Clock
        while (now.currentTimeMillisUnsafe() < Math.min(...lastFrames) + heartbeat.timeout - step) yield* pass(step)
        for (const link of network.links) link.heal()
        yield* pass(2 * bounds[profile])
        assert.deepStrictEqual(nodes.flatMap(ends), [])
      })
    )
  }
})
