import { assert, describe } from "@effect/vitest"
import { Clock, Effect, Fiber, Random } from "effect"
import * as Heartbeat from "../../../src/protocol/link/Heartbeat.ts"
import * as Redial from "../../../src/protocol/link/Redial.ts"
import { Address } from "../../../src/protocol/Address.ts"
import type { Session } from "../../../src/services/link/Session.ts"
import { type Fate, MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import * as HostilePeer from "../../support/HostilePeer.ts"
import { arbiter, follower, hostOf, keyOf, type LinkNode, start } from "../../support/LinkNode.ts"
import { seeded } from "../../support/Seeded.ts"
import { skewed } from "../../support/SkewedClock.ts"
import { pass, settle } from "../../support/VirtualTime.ts"

/** A network that notes when each host dials. */
const watched = Effect.gen(function* () {
  const network = new MemoryNetwork()
  const clock = yield* Clock.Clock
  const dials: Array<{ readonly at: number; readonly from: string; readonly to: string }> = []
  let fate: Fate = "open"
  network.onDial = (from, to) => {
    dials.push({ at: clock.currentTimeMillisUnsafe(), from, to: to.toString() })
    return fate
  }
  return { network, dials, decide: (next: Fate) => void (fate = next) }
})

const gaps = (times: ReadonlyArray<{ readonly at: number }>): ReadonlyArray<number> =>
  times.slice(1).map(({ at }, i) => at - times[i]!.at)

const watchOf = (node: LinkNode, peer: { readonly key: string }) =>
  Effect.map(node.supervisor.watches, (watches) => watches.find((it) => it.peer === peer.key))

const live = (node: LinkNode, peer: Pick<LinkNode, "key">) => node.registry.session(peer.key)?.session
/** A node that has not been started. */
const nodeOf = (seed: number) => ({
  key: keyOf(seed),
  address: new Address({ key: keyOf(seed), host: hostOf(seed), port: 4000 })
})
const absent = nodeOf(9)

describe("Supervisor", () => {
  seeded("dials a wanted peer for ever, each wait at random below a bound that doubles up to a cap", () =>
    Effect.gen(function* () {
      const { dials, network } = yield* watched
      const node = yield* start({ network, seed: 1 })
      yield* node.want(absent)
      yield* pass("10 hours")
      const waits = gaps(dials)
      const { baseMillis, capMillis } = Redial.defaults
      waits.slice(0, 10).forEach((wait, i) => assert.isAtMost(wait, Math.min(capMillis, baseMillis * 2 ** i) + 1))
      const later = waits.slice(10)
      assert.isTrue(later.every((wait) => wait <= capMillis + 1))
      // Full jitter: uniform between nothing and the cap.
      const mean = later.reduce((sum, wait) => sum + wait, 0) / later.length
      assert.isAbove(mean, 0.4 * capMillis)
      assert.isBelow(mean, 0.6 * capMillis)
      assert.isAbove(Math.max(...later), 0.95 * capMillis)
      assert.isBelow(Math.min(...later), 0.05 * capMillis)
      assert.isAbove(dials.length, 1_000)
      const watch = yield* watchOf(node, absent)
      assert.deepStrictEqual([watch?.lastEnded?.reason, watch?.failures], ["dial-failed", dials.length])
    }).pipe(Random.withSeed("back-off"))
  )

  seeded("does not dial peers in step that were lost at the same moment", () =>
    Effect.gen(function* () {
      const { dials, network } = yield* watched
      const nodes = yield* Effect.forEach(
        Array.from({ length: 40 }, (_, i) => i + 10),
        (seed) => start({ network, seed })
      )
      for (const node of nodes) yield* node.want(absent)
      yield* settle
      assert.strictEqual(dials.length, 40)
      yield* pass("1 second")
      const second = dials.slice(40, 80).map(({ at }) => Math.floor(at / 100))
      assert.isAtLeast(new Set(second).size, 8)
    }).pipe(Random.withSeed("herd"))
  )

  seeded("forgets failures only after a stable session", () =>
    Effect.gen(function* () {
      const { decide, dials, network } = yield* watched
      const high = yield* start({ network, seed: follower })
      const low = yield* start({ network, seed: arbiter })
      decide("refuse")
      yield* high.want(low)
      yield* pass("10 minutes")
      const failures = (yield* watchOf(high, low))?.failures ?? 0
      assert.isAbove(failures, 10)
      decide("open")
      yield* pass("1 minute")
      assert.isDefined(live(high, low))
      // A session of a moment is no success.
      yield* pass("61 seconds")
      const longLived = live(high, low)
      assert.isDefined(longLived)
      network.links[0]!.reset()
      yield* settle
      assert.strictEqual((yield* watchOf(high, low))?.failures, 0)
      const before = dials.length
      yield* pass("1 second")
      assert.strictEqual(dials.length, before + 1)
      const short = live(high, low)
      assert.isDefined(short)
      network.links[0]!.reset()
      yield* settle
      assert.strictEqual((yield* watchOf(high, low))?.failures, 1)
    }).pipe(Random.withSeed("stable"))
  )

  seeded("counts a busy session as stable, although nothing was idle long enough for a ping", () =>
    Effect.gen(function* () {
      const { network } = yield* watched
      const chatter = (session: Session) =>
        Effect.forever(Effect.andThen(session.send(17, new Uint8Array(4)), Effect.sleep(500)))
      const high = yield* start({ network, seed: follower, handle: chatter })
      const low = yield* start({ network, seed: arbiter, handle: chatter })
      yield* high.want(low)
      yield* pass("1 minute")
      network.links[0]!.reset()
      yield* settle
      assert.strictEqual((yield* watchOf(high, low))?.failures, 0)
    })
  )

  seeded("opens the breaker for a peer whose sessions end at once, closes it only for a stable one", () =>
    Effect.gen(function* () {
      const { dials, network } = yield* watched
      let healthy = false
      const low = yield* start({ network, seed: arbiter, handle: () => (healthy ? Effect.never : Effect.void) })
      const high = yield* start({
        network,
        seed: follower,
        config: { redial: { ...Redial.defaults, capMillis: 1_000 } }
      })
      yield* high.want(low)
      while ((yield* watchOf(high, low))?.breaker !== "open") yield* pass("1 second")
      const starts = high.sessions.length
      assert.isAtLeast(starts, Redial.defaults.starts + 1)
      const sofar = dials.length
      yield* pass(Redial.defaults.openMillis - 2_000)
      assert.strictEqual(dials.length, sofar)
      yield* pass(4_000)
      assert.strictEqual(dials.length, sofar + 1)
      // Open again, for twice as long.
      yield* pass(2 * Redial.defaults.openMillis - 6_000)
      assert.strictEqual(dials.length, sofar + 1)
      healthy = true
      yield* pass("2 minutes")
      assert.isDefined(live(high, low))
      network.links[0]!.reset()
      yield* settle
      const watch = yield* watchOf(high, low)
      assert.deepStrictEqual([watch?.breaker, watch?.failures], ["closed", 0])
    }).pipe(Random.withSeed("breaker"))
  )

  seeded("comes back no sooner than a GOODBYE asks, and soon after", () =>
    Effect.gen(function* () {
      const { dials, network } = yield* watched
      const low = yield* start({ network, seed: arbiter })
      const high = yield* start({ network, seed: follower })
      yield* high.want(low)
      yield* pass("10 seconds")
      const stopping = yield* Effect.forkChild(low.stop(30_000))
      yield* pass("2 seconds")
      yield* Fiber.join(stopping)
      const again = yield* start({ network, seed: arbiter, incarnation: 2 })
      const before = dials.length
      yield* pass("27 seconds")
      assert.strictEqual(dials.length, before)
      yield* pass("3 seconds")
      assert.strictEqual(dials.length, before + 1)
      assert.isDefined(live(high, again))
    })
  )

  seeded("waits out what a peer of another network says, with one dial in ten minutes", () =>
    Effect.gen(function* () {
      const { dials, network } = yield* watched
      const low = yield* start({ network, seed: arbiter, networkName: "other" })
      const high = yield* start({ network, seed: follower })
      yield* high.want(low)
      yield* pass("1 hour")
      assert.isAtLeast(dials.length, 5)
      assert.isAtMost(dials.length, 7)
      assert.strictEqual((yield* watchOf(high, low))?.lastEnded?.reason, "refused")
    })
  )

  seeded("never dials a peer that only dialled it, however its session ended", () =>
    Effect.gen(function* () {
      const { dials, network } = yield* watched
      const low = yield* start({ network, seed: arbiter })
      const high = yield* start({ network, seed: follower })
      for (let i = 0; i < 5; i++) {
        yield* high.want(low)
        yield* pass("5 seconds")
        assert.isDefined(live(low, high))
        network.links[0]!.reset()
        yield* pass("5 seconds")
      }
      assert.isTrue(dials.every(({ from }) => from === high.host))
      assert.deepStrictEqual(yield* low.supervisor.watches, [])
    })
  )

  seeded("dials a wanted peer again when the session that the peer had dialled is lost", () =>
    Effect.gen(function* () {
      const { decide, dials, network } = yield* watched
      const low = yield* start({ network, seed: arbiter })
      const high = yield* start({ network, seed: follower })
      decide("refuse")
      yield* low.want(high)
      yield* settle
      decide("open")
      yield* high.want(low)
      yield* pass("90 seconds")
      yield* high.supervisor.unwant(low.key, "asked")
      assert.isDefined(live(low, high))
      const before = dials.filter(({ from }) => from === low.host).length
      for (const link of network.links) link.reset()
      yield* pass("2 seconds")
      assert.isAbove(dials.filter(({ from }) => from === low.host).length, before)
      assert.isDefined(live(low, high))
    })
  )

  seeded("dials no peer that is connected, and one dial at a time", () =>
    Effect.gen(function* () {
      const { decide, dials, network } = yield* watched
      const low = yield* start({ network, seed: arbiter })
      const high = yield* start({ network, seed: follower })
      yield* low.want(high)
      yield* settle
      yield* high.want(low)
      for (let i = 0; i < 10; i++) {
        yield* high.supervisor.poke(low.key)
        yield* low.supervisor.poke(high.key)
        yield* pass("1 second")
      }
      assert.strictEqual(dials.length, 1)
      decide("hang")
      yield* high.want(absent)
      for (let i = 0; i < 5; i++) {
        yield* high.supervisor.poke(absent.key)
        yield* pass("1 second")
      }
      assert.strictEqual(dials.length, 2)
    })
  )

  seeded("stops dialling what is no longer wanted for any reason, and begins anew when it is wanted again", () =>
    Effect.gen(function* () {
      const { dials, network } = yield* watched
      const node = yield* start({ network, seed: 1 })
      yield* node.want(absent)
      yield* node.supervisor.want(absent.key, "owed")
      yield* pass("1 minute")
      yield* node.supervisor.unwant(absent.key, "asked")
      const sofar = dials.length
      yield* pass("10 minutes")
      assert.isAbove(dials.length, sofar)
      yield* node.supervisor.unwant(absent.key, "owed")
      yield* settle
      assert.deepStrictEqual(yield* node.supervisor.watches, [])
      const all = dials.length
      yield* pass("1 day")
      assert.strictEqual(dials.length, all)
      yield* node.want(absent)
      yield* settle
      assert.strictEqual(dials.length, all + 1)
    })
  )

  seeded("keeps on when a peer is wanted again in the turn in which it was given up", () =>
    Effect.gen(function* () {
      const { dials, network } = yield* watched
      const node = yield* start({ network, seed: 1 })
      for (let turns = 0; turns < 40; turns++) {
        yield* node.want(absent)
        yield* settle
        yield* node.supervisor.unwant(absent.key, "asked")
        for (let i = 0; i < turns; i++) yield* Effect.yieldNow
        yield* node.want(absent)
        const before = dials.length
        yield* pass("3 minutes")
        assert.isAbove(dials.length, before, `after ${turns} turns`)
        yield* node.supervisor.unwant(absent.key, "asked")
        yield* settle
      }
    })
  )

  seeded("dials a poked peer at once, even when the poke comes while an older dial still hangs", () =>
    Effect.gen(function* () {
      const { decide, dials, network } = yield* watched
      const high = yield* start({ network, seed: follower })
      decide("refuse")
      yield* high.want(absent)
      yield* pass("30 minutes")
      const { failures } = (yield* watchOf(high, absent))!
      assert.isAbove(failures, 5)
      const waiting = (yield* watchOf(high, absent))!.nextDialInMillis!
      assert.isAbove(waiting, 0)
      decide("hang")
      yield* high.supervisor.poke(absent.key)
      yield* settle
      const hanging = dials.length
      yield* high.supervisor.poke(absent.key)
      yield* pass("10 seconds")
      assert.strictEqual(dials.length, hanging + 1)
    })
  )

  seeded("is not set back by connections that come to nothing under the peer's name", () =>
    Effect.gen(function* () {
      const { decide, network } = yield* watched
      const low = yield* start({ network, seed: arbiter })
      const high = yield* start({ network, seed: follower })
      decide("refuse")
      yield* low.want(high)
      yield* settle
      const { failures, nextDialInMillis } = (yield* watchOf(low, high))!
      decide("open")
      // What anybody can do who has recorded a handshake of the peer: open a connection in its name and say nothing.
      for (let i = 0; i < 3; i++) {
        const replayed = yield* HostilePeer.dial(high.transport, low.address.endpoint, {
          seed: new Uint8Array(32).fill(follower),
          expected: low.key
        })
        yield* settle
        // The last one is the peer itself, and misbehaves.
        if (i === 2) yield* replayed.send(99)
        yield* replayed.end
        yield* settle
      }
      assert.strictEqual(low.registry.recent(high.key).filter(({ to }) => to === "candidate").length, 3)
      const after = (yield* watchOf(low, high))!
      assert.strictEqual(after.failures, failures)
      assert.isAtMost(after.nextDialInMillis!, nextDialInMillis!)
    })
  )

  seeded("lets no more dials hang at once than the limit", () =>
    Effect.gen(function* () {
      const { decide, dials, network } = yield* watched
      const node = yield* start({ network, seed: 1, config: { maxDials: 3 } })
      decide("hang")
      for (let n = 100; n < 110; n++) {
        yield* node.want(nodeOf(n))
      }
      yield* settle
      assert.strictEqual(dials.length, 3)
      yield* pass("10 seconds")
      assert.strictEqual(dials.length, 6)
    })
  )

  seeded("dials nothing more once it is stopped", () =>
    Effect.gen(function* () {
      const { dials, network } = yield* watched
      const node = yield* start({ network, seed: 1 })
      yield* node.want(absent)
      yield* pass("1 minute")
      yield* node.supervisor.stop
      const sofar = dials.length
      yield* pass("1 hour")
      assert.strictEqual(dials.length, sofar)
    })
  )

  seeded("gives the arbiter of a pair the first word: the follower's first dial waits a little", () =>
    Effect.gen(function* () {
      const { dials, network } = yield* watched
      const low = yield* start({ network, seed: arbiter, config: { firstDialDelay: 500 } })
      const high = yield* start({ network, seed: follower, config: { firstDialDelay: 500 } })
      yield* high.want(low)
      yield* low.want(high)
      yield* settle
      assert.deepStrictEqual(
        dials.map(({ from }) => from),
        [low.host]
      )
      yield* pass("1 minute")
      assert.strictEqual(dials.length, 1)
      assert.isDefined(live(high, low))
    }).pipe(Random.withSeed("first dial"))
  )

  seeded("asks everybody after a standstill, ends who is gone, and dials it again at once", () =>
    Effect.gen(function* () {
      const { dials, network } = yield* watched
      const clock = yield* skewed
      const low = yield* start({ network, seed: arbiter })
      const third = yield* start({ network, seed: 3 })
      const config = { heartbeat: Heartbeat.profiles.default }
      const high = yield* Effect.provideService(start({ network, seed: follower, config }), Clock.Clock, clock)
      yield* high.want(low)
      yield* high.want(third)
      yield* pass("100 seconds")
      const kept = live(high, third)
      assert.isDefined(kept)
      assert.isDefined(live(high, low))
      yield* low.vanish
      yield* pass("1 second")
      const again = yield* start({ network, seed: arbiter, incarnation: 2 })
      const before = dials.length
      clock.jump(60_000)
      // Until a timer shows that it is late, the probe is due, and the first wait is over.
      yield* pass("5 seconds")
      yield* pass("3 seconds")
      assert.deepInclude(
        high.registry.recent(low.key).findLast(({ to }) => to === "closed"),
        { reason: "silent" }
      )
      yield* pass("1 second")
      assert.strictEqual(dials.length, before + 1)
      assert.isDefined(live(high, again))
      assert.strictEqual(live(high, third), kept)
    })
  )

  seeded("recovers every pair of a crowd that lost its hub, within a minute of its return", () =>
    Effect.gen(function* () {
      const { network } = yield* watched
      const hub = yield* start({ network, seed: 1 })
      const nodes = yield* Effect.forEach(
        Array.from({ length: 30 }, (_, i) => i + 2),
        (seed) => start({ network, seed })
      )
      for (const node of nodes) yield* node.want(hub)
      yield* pass("10 seconds")
      assert.strictEqual(hub.registry.sessions().length, 30)
      yield* hub.crash
      yield* pass("60 seconds")
      const again = yield* start({ network, seed: 1, incarnation: 2 })
      yield* pass("60 seconds")
      assert.strictEqual(again.registry.sessions().length, 30)
      assert.isTrue(nodes.every((node) => live(node, again) !== undefined))
    })
  )
})
