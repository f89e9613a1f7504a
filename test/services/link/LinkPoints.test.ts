import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import { Buggify, type Points } from "../../../src/services/Buggify.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import { arbiter, config, follower, type LinkNode, type Options, start } from "../../support/LinkNode.ts"
import { firing, holding, once } from "../../support/Points.ts"
import { pass, settle } from "../../support/VirtualTime.ts"

const live = (node: LinkNode, peer: LinkNode) => node.registry.session(peer.key)?.session
const ends = (node: LinkNode) => node.registry.recent().filter(({ to }) => to === "closed")
const watchOf = (node: LinkNode, peer: LinkNode) =>
  Effect.map(node.supervisor.watches, (watches) => watches.find((it) => it.peer === peer.key))

/** The arbiter and the follower of a pair, the first or the second with these points. */
const pair = Effect.fnUntraced(function* (
  points: { readonly low?: Points; readonly high?: Points },
  options?: Partial<Options>
) {
  const network = new MemoryNetwork()
  const build = (seed: number, own: Points | undefined) => {
    const node = start({ network, seed, ...options })
    return own === undefined ? node : Effect.provideService(node, Buggify, own)
  }
  const low = yield* build(arbiter, points.low)
  const high = yield* build(follower, points.high)
  return { network, low, high }
})

describe("the points of the link", () => {
  it.effect("give a dial up right after the socket opened, which counts as a failed dial", () =>
    Effect.gen(function* () {
      const { points } = firing("link.dial-given-up", once)
      const { high, low, network } = yield* pair({ high: points })
      yield* high.want(low)
      yield* settle
      assert.strictEqual(network.dials, 1)
      assert.deepStrictEqual(high.registry.recent(), [])
      assert.strictEqual(ends(low)[0]?.reason, "handshake-failed")
      const watch = yield* watchOf(high, low)
      assert.deepStrictEqual([watch?.lastEnded?.reason, watch?.failures], ["dial-failed", 1])
      yield* pass("1 second")
      assert.isDefined(live(high, low))
    })
  )

  it.effect("drop a connection that was just accepted, as if nobody had", () =>
    Effect.gen(function* () {
      const { points } = firing("link.accepted-and-dropped", once)
      const { high, low } = yield* pair({ low: points })
      yield* high.want(low)
      yield* settle
      assert.deepStrictEqual(low.registry.recent(), [])
      assert.strictEqual(ends(high)[0]?.reason, "handshake-failed")
      yield* pass("1 second")
      assert.isDefined(live(high, low))
    })
  )

  it.effect("refuse a session as a node does that has as many as it takes", () =>
    Effect.gen(function* () {
      const { points } = firing("link.refused-as-busy", once)
      const { high, low } = yield* pair({ low: points })
      yield* high.want(low)
      yield* settle
      assert.deepInclude(ends(high)[0], {
        reason: "rejected",
        detail: `busy: no place is free: 0 of ${config.maxSessions} are taken`
      })
      yield* pass("1 second")
      assert.isDefined(live(high, low))
    })
  )

  it.effect("let HELLO be late, for which the peer waits", () =>
    Effect.gen(function* () {
      const { held, points, release } = holding("link.hello-before-sent")
      const { high, low, network } = yield* pair({ high: points })
      yield* high.want(low)
      yield* pass("3 seconds")
      assert.strictEqual(held(), 1)
      assert.isUndefined(live(low, high))
      release()
      yield* settle
      assert.strictEqual(live(low, high)?.number, live(high, low)?.number)
      assert.isDefined(live(low, high))
      assert.strictEqual(network.dials, 1)
    })
  )

  it.effect("start the handler of a live session late, with everything that came meanwhile", () =>
    Effect.gen(function* () {
      const { held, points, release } = holding("link.live-before-handler")
      const { high, low } = yield* pair({ high: points })
      yield* high.want(low)
      yield* settle
      assert.strictEqual(high.registry.recent().at(-1)?.to, "active")
      assert.deepStrictEqual([held(), high.sessions.length, low.sessions.length], [1, 0, 1])
      yield* low.sessions[0]!.send(Frame.Kind.Data, new Uint8Array([7]))
      release()
      yield* settle
      assert.deepStrictEqual((yield* high.sessions[0]!.frames.take).body[0], 7)
    })
  )

  it.effect("let a handler take its time to end, and the next session's wait for it", () =>
    Effect.gen(function* () {
      const { held, points, release } = holding("link.handler-ended-before-next")
      const { high, low, network } = yield* pair({ high: points })
      yield* low.want(high)
      yield* settle
      network.links[0]!.reset()
      yield* pass("2 seconds")
      assert.strictEqual(high.registry.recent().at(-1)?.to, "active")
      assert.deepStrictEqual([held(), high.sessions.length, low.sessions.length], [1, 1, 2])
      release()
      yield* settle
      assert.strictEqual(high.sessions.length, 2)
    })
  )

  it.effect("forget the number of an idle pair, and make a new session none the less", () =>
    Effect.gen(function* () {
      const { points } = firing("link.idle-pair-forgotten")
      for (const forgetful of [{ low: points }, { high: points }, { low: points, high: points }]) {
        const { high, low, network } = yield* pair(forgetful)
        yield* high.want(low)
        for (let round = 1; round <= 3; round++) {
          yield* pass("61 seconds")
          assert.strictEqual(live(high, low)?.number, live(low, high)?.number)
          assert.isDefined(live(high, low))
          network.links[0]!.reset()
          yield* settle
          if (forgetful.low !== undefined) assert.strictEqual(low.registry.standing(high.key).knows, 0n)
          if (forgetful.high !== undefined) assert.strictEqual(high.registry.standing(low.key).knows, 0n)
        }
      }
    })
  )

  it.effect("forget nothing of a pair as long as anything is open with it", () =>
    Effect.gen(function* () {
      const { passes, points } = firing("link.idle-pair-forgotten")
      for (let round = 0; round < 20; round++) {
        const { high, low, network } = yield* pair({ low: points, high: points })
        yield* Effect.all([low.want(high), high.want(low)], { concurrency: "unbounded" })
        yield* pass("1 minute")
        assert.deepStrictEqual([low.sessions.length, high.sessions.length, network.links.length], [1, 1, 1])
        assert.strictEqual(live(low, high)?.number, 1n)
        yield* low.crash
        yield* high.crash
      }
      assert.isAbove(passes(), 0)
    })
  )

  it.effect("dial again at once, or as late as the back-off allows", () =>
    Effect.gen(function* () {
      const times = Effect.fnUntraced(function* (points: Points) {
        const { high, low, network } = yield* pair({ high: points })
        const clock = yield* Clock.Clock
        const from = clock.currentTimeMillisUnsafe()
        const dials: Array<number> = []
        network.onDial = () => {
          dials.push(clock.currentTimeMillisUnsafe() - from)
          return "refuse"
        }
        yield* high.want(low)
        yield* pass("10 seconds")
        return dials
      })
      const early = yield* times(firing("link.redialled-at-once", (dial) => dial <= 3).points)
      assert.deepStrictEqual(early.slice(0, 4), [0, 0, 0, 0])
      const { baseMillis } = config.redial
      const late = yield* times(firing("link.redialled-late").points)
      assert.deepStrictEqual(late, [0, baseMillis - 1, 3 * baseMillis - 2, 7 * baseMillis - 3])
    })
  )

  it.effect("lose the hint that a session of the peer's has ended, so that only the look a minute later finds it", () =>
    Effect.gen(function* () {
      const { points } = firing("link.redial-wake-up-lost")
      const { high, low, network } = yield* pair({ high: points })
      yield* low.want(high)
      yield* settle
      yield* high.want(low)
      yield* settle
      assert.strictEqual(live(high, low)?.direction, "inbound")
      network.onDial = (from) => (from === low.host ? "refuse" : "open")
      network.links[0]!.reset()
      yield* pass("30 seconds")
      assert.isUndefined(live(high, low))
      yield* pass("31 seconds")
      assert.strictEqual(live(high, low)?.direction, "outbound")
    })
  )

  it.effect("lose the goodbye of a node that stops, which then looks like a cut", () =>
    Effect.gen(function* () {
      const { points } = firing("link.last-word-lost")
      const { high, low } = yield* pair({ low: points })
      yield* high.want(low)
      yield* settle
      yield* Effect.forkChild(low.stop(60_000))
      yield* settle
      assert.strictEqual(ends(high)[0]?.reason, "closed")
    })
  )
})
