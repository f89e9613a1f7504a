import { assert, describe, it } from "@effect/vitest"
import { Effect, Random } from "effect"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import * as LaneStreams from "../../support/links/LaneStreams.ts"
import { arbiter, follower, start } from "../../support/LinkNode.ts"
import { pass, settle } from "../../support/VirtualTime.ts"

const streams = 5
const length = 400

/** Streams from the node that dials to the other, while a test does what it wants to the network. */
const streaming = Effect.fnUntraced(function* (
  lanes: number,
  meanwhile: (network: MemoryNetwork) => Effect.Effect<void>
) {
  const network = new MemoryNetwork()
  const received: LaneStreams.Received = new Map()
  const sent: LaneStreams.Sent = { items: 0 }
  const config = { lanes }
  const low = yield* start({ network, seed: arbiter, config, handle: LaneStreams.receiver(streams, received) })
  const high = yield* start({
    network,
    seed: follower,
    config,
    handle: LaneStreams.sender(streams, length, 100, sent)
  })
  yield* high.want(low)
  yield* pass("1 second")
  yield* meanwhile(network)
  yield* pass("10 minutes")
  const wanted = Array.from({ length }, (_, item) => item)
  for (let stream = 0; stream < streams; stream++) assert.deepStrictEqual(received.get(stream), wanted)
  const became = (to: string) => high.registry.recent().filter((it) => it.to === to).length
  return { sent: sent.items, sessions: became("active"), lanes: became("lane") }
})

describe("streams over lanes", () => {
  for (const lanes of [1, 2, 3, 8]) {
    it.effect(`arrive once and in order over ${lanes}`, () =>
      Effect.gen(function* () {
        const figures = yield* streaming(lanes, () => Effect.void)
        assert.deepStrictEqual(figures, { sent: streams * length, sessions: 1, lanes: lanes - 1 })
      })
    )
  }

  it.effect("lose and double nothing while lanes are cut, and sessions with them", () =>
    Effect.gen(function* () {
      let again = 0
      for (let round = 0; round < 6; round++) {
        const figures = yield* streaming(4, (network) =>
          Effect.gen(function* () {
            for (let cut = 0; cut < 10; cut++) {
              yield* pass((yield* Random.next) * 4_000)
              // Lane 0 as well, in every third round.
              const first = round % 3 === 0 ? 0 : 1
              const links = network.links.slice(first)
              const link = links[yield* Random.nextIntBetween(0, Math.max(1, links.length))]
              if (yield* Random.nextBoolean) link?.reset()
              else link?.cut()
            }
          })
        )
        if (round % 3 !== 0) assert.strictEqual(figures.sessions, 1)
        assert.isAbove(figures.lanes, 5)
        again += figures.sent - streams * length
      }
      assert.isAbove(again, 0, "nothing was under way when lanes were lost")
    }).pipe(Random.withSeed("lanes"))
  )

  it.effect("do not wait for each other: one lane that nobody reads holds up no other", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const config = { lanes: 3, sessionQueue: 4_096 }
      const low = yield* start({ network, seed: arbiter, config })
      const high = yield* start({ network, seed: follower, config })
      yield* high.want(low)
      yield* pass("1 second")
      const [near, far] = [high.sessions[0]!, low.sessions[0]!]
      const full = yield* near.lane(1)
      yield* Effect.forkChild(Effect.raceFirst(Effect.forever(full.send(new Uint8Array(1_024))), full.lost))
      yield* pass("5 seconds")
      const free = yield* near.lane(2)
      yield* free.send(new Uint8Array(3))
      yield* settle
      assert.strictEqual((yield* (yield* far.lane(2)).frames.take).body.length, 3)
      assert.strictEqual(high.registry.session(low.key)!.connection.queuedBytes, 0)
      // Whose peer takes nothing is given up, as any connection is; it comes back once somebody reads what had come.
      yield* pass("1 minute")
      assert.deepStrictEqual(near.openLanes, [0, 2])
      const unread = yield* far.lane(1)
      yield* Effect.forkChild(Effect.raceFirst(Effect.forever(unread.frames.takeAll), unread.lost))
      yield* pass("1 minute")
      assert.deepStrictEqual(
        [near.openLanes, far.openLanes],
        [
          [0, 1, 2],
          [0, 1, 2]
        ]
      )
    })
  )
})
