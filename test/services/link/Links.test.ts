import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Latch, Logger, Random, References } from "effect"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
import { keptTransitions } from "../../../src/services/link/Registry.ts"
import type { Transition } from "../../../src/services/link/Transition.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import * as HostilePeer from "../../support/HostilePeer.ts"
import { arbiter, config, countingFibers, follower, type LinkNode, start } from "../../support/LinkNode.ts"
import { pass, settle } from "../../support/VirtualTime.ts"

type Has = Pick<LinkNode, "registry">
const live = (node: Has, peer: { readonly key: NodeKey }) => node.registry.session(peer.key)?.session
const ends = (node: Has): ReadonlyArray<Transition> => node.registry.recent().filter((it) => it.to === "closed")
const reasons = (node: Has) => ends(node).map((it) => it.reason)
const opened = (node: Has, direction: "inbound" | "outbound"): number =>
  node.registry.recent().filter((it) => it.to === "opening" && it.direction === direction).length

/** Both have one session with each other, and it is the same one. */
const joined = (a: LinkNode, b: LinkNode): bigint => {
  const [left, right] = [live(a, b), live(b, a)]
  assert.isDefined(left)
  assert.isDefined(right)
  assert.strictEqual(left!.number, right!.number)
  assert.notStrictEqual(left!.direction, right!.direction)
  return left!.number
}

const pair = Effect.fnUntraced(function* (options?: Partial<Parameters<typeof start>[0]>) {
  const network = new MemoryNetwork()
  const low = yield* start({ network, seed: arbiter, ...options })
  const high = yield* start({ network, seed: follower, ...options })
  return { network, low, high }
})

describe("Links", () => {
  describe("one session per pair", () => {
    for (const [who, dialler] of [
      ["the arbiter", "low"],
      ["the follower", "high"]
    ] as const) {
      it.effect(`makes one session when ${who} dials`, () =>
        Effect.gen(function* () {
          const { network, ...nodes } = yield* pair()
          const other = dialler === "low" ? nodes.high : nodes.low
          yield* nodes[dialler].want(other)
          yield* settle
          joined(nodes.low, nodes.high)
          assert.strictEqual(live(nodes[dialler], other)?.direction, "outbound")
          assert.strictEqual(network.links.length, 1)
          assert.deepStrictEqual([nodes.low.sessions.length, nodes.high.sessions.length], [1, 1])
          assert.deepStrictEqual(
            nodes.low.registry.recent().map((it) => it.to),
            ["opening", "candidate", "active"]
          )
        })
      )
    }

    it.effect("makes one session of dials that cross, whichever comes first, and closes the other without a flap", () =>
      Effect.gen(function* () {
        let bothOpen = 0
        for (let round = 0; round < 50; round++) {
          const { high, low, network } = yield* pair()
          yield* Effect.all([low.want(high), high.want(low)], { concurrency: "unbounded" })
          yield* settle
          const number = joined(low, high)
          if (opened(low, "inbound") + opened(low, "outbound") === 2) bothOpen++
          yield* pass("10 minutes")
          assert.strictEqual(joined(low, high), number)
          assert.strictEqual(network.links.length, 1)
          const became = [...low.registry.recent(), ...high.registry.recent()].filter((it) => it.to === "active")
          assert.strictEqual(became.length, 2)
          assert.isTrue(ends(low).every((it) => it.from === "candidate" || it.from === "opening"))
          yield* low.crash
          yield* high.crash
        }
        assert.isAbove(bothOpen, 40)
      }).pipe(Random.withSeed("crossing"))
    )

    it.effect("lets a restarted peer take the place of its former process at once", () =>
      Effect.gen(function* () {
        const { high, low, network } = yield* pair()
        yield* high.want(low)
        yield* settle
        const before = joined(low, high)
        yield* high.vanish
        const again = yield* start({ network, seed: follower, incarnation: 2 })
        yield* again.want(low)
        yield* settle
        assert.isAbove(Number(joined(low, again)), Number(before))
        assert.deepStrictEqual(reasons(low), ["replaced"])
      })
    )

    it.effect("lets a restarted arbiter take the place of its former process at once", () =>
      Effect.gen(function* () {
        const { high, low, network } = yield* pair()
        yield* low.want(high)
        yield* settle
        const before = joined(low, high)
        yield* low.vanish
        const again = yield* start({ network, seed: arbiter, incarnation: 2 })
        yield* again.want(high)
        yield* settle
        assert.isAbove(Number(joined(again, high)), Number(before))
        assert.deepStrictEqual(reasons(high), ["replaced"])
      })
    )

    it.effect("refuses another node with the key of a live peer after a probe, and keeps the peer", () =>
      Effect.gen(function* () {
        const { high, low, network } = yield* pair()
        yield* high.want(low)
        yield* settle
        const number = joined(low, high)
        const clone = yield* start({ network, seed: follower, host: "10.0.0.99", database: 77, instance: 77 })
        yield* clone.want(low)
        yield* settle
        assert.strictEqual(joined(low, high), number)
        const end = ends(clone)[0]
        assert.strictEqual(end?.reason, "rejected")
        assert.include(end?.detail, "clone: another process with this node's key is connected and alive")
        assert.strictEqual(ends(low)[0]?.reason, "refused")
        assert.strictEqual(joined(low, high), number)
      })
    )

    it.effect("lets a copy of the database in once the former session does not answer a probe", () =>
      Effect.gen(function* () {
        const { high, low, network } = yield* pair()
        yield* high.want(low)
        yield* settle
        yield* high.vanish
        const moved = yield* start({ network, seed: follower, host: "10.0.0.99", database: 77, instance: 77 })
        yield* moved.want(low)
        yield* pass(config.probeTimeout - 1)
        assert.isUndefined(live(moved, low))
        yield* pass(1)
        joined(low, moved)
      })
    )

    it.effect("does not let an earlier probe's deadline condemn the session that a later one asks about", () =>
      Effect.gen(function* () {
        const { high, low, network } = yield* pair({
          config: { heartbeat: { ...config.heartbeat, interval: 20_000, timeout: 40_000 } }
        })
        yield* high.want(low)
        yield* settle
        const number = joined(low, high)
        // The session is held up for a while without being lost.
        const first = network.links[0]!
        first.cut()
        const clones = yield* Effect.forEach([97, 98], (n) =>
          start({ network, seed: follower, host: `10.0.0.${n}`, database: n, instance: n })
        )
        yield* clones[0]!.want(low)
        yield* pass(config.probeTimeout - 100)
        yield* clones[0]!.crash
        yield* settle
        yield* clones[1]!.want(low)
        yield* pass(200)
        first.heal()
        yield* pass(config.probeTimeout)
        assert.strictEqual(joined(low, high), number)
      })
    )
  })

  describe("what one side does not notice", () => {
    for (const [who, dialler] of [
      ["the arbiter", "low"],
      ["the follower", "high"]
    ] as const) {
      it.effect(`recovers from a silent cut when ${who} is the one that dials`, () =>
        Effect.gen(function* () {
          const { network, ...nodes } = yield* pair()
          const other = dialler === "low" ? nodes.high : nodes.low
          yield* nodes[dialler].want(other)
          yield* pass("10 seconds")
          const before = joined(nodes.low, nodes.high)
          network.links[0]!.cut()
          yield* pass(config.heartbeat.timeout + config.heartbeat.interval / 2 + 1_000)
          assert.isAbove(Number(joined(nodes.low, nodes.high)), Number(before))
          assert.deepStrictEqual(reasons(nodes[dialler]), ["silent"])
        })
      )
    }

    it.effect("does not wait for the other side to notice: a session that one side lost is replaced", () =>
      Effect.gen(function* () {
        const { high, low, network } = yield* pair({
          config: { heartbeat: { interval: 3_600_000, timeout: 7_200_000, missed: 1, stable: 1 } }
        })
        yield* high.want(low)
        yield* settle
        const before = joined(low, high)
        network.links[0]!.cut()
        // Only the follower gives the session up.
        high.registry.session(low.key)!.connection.end({ reason: "network", detail: "the test" })
        yield* pass("2 seconds")
        assert.isAbove(Number(joined(low, high)), Number(before))
        assert.deepStrictEqual(reasons(low), ["replaced"])
      })
    )
  })

  it.effect("calls no session useful but for what its handler says", () =>
    Effect.gen(function* () {
      const { high, low } = yield* pair({
        handle: (session) =>
          Effect.forever(
            Effect.map(session.frames.take, ({ body }) => {
              if (body[0] === 1) session.useful()
            })
          )
      })
      yield* high.want(low)
      yield* settle
      const usefulAt = () => low.registry.session(high.key)?.connection.usefulAt
      yield* high.sessions[0]!.send(Frame.Kind.Data, Uint8Array.of(0))
      yield* settle
      assert.isUndefined(usefulAt())
      yield* high.sessions[0]!.send(Frame.Kind.Data, Uint8Array.of(1))
      yield* settle
      assert.isDefined(usefulAt())
    })
  )

  describe("the log", () => {
    it.effect("is not filled by strangers who come to nothing, and says how many it leaves out", () => {
      const lines: Array<Record<string, unknown>> = []
      const logger = Logger.make((line) => {
        const { direction, reason, unsaid } = line.fiber.getRef(References.CurrentLogAnnotations)
        if (String(line.message) === "Connection closed") lines.push({ direction, reason, unsaid })
      })
      return Effect.gen(function* () {
        const { high, low, network } = yield* pair()
        const knock = Effect.fnUntraced(function* (count: number) {
          for (let n = 0; n < count; n++) {
            const stranger = network.transport(`10.1.0.${n}`)
            yield* Effect.scoped(Effect.orDie(stranger.dial(low.address.endpoint)))
            yield* settle
          }
        })
        yield* knock(100)
        const failed = { direction: "inbound", reason: "handshake-failed", unsaid: undefined }
        assert.deepStrictEqual(lines.splice(0), Array(10).fill(failed))
        yield* high.want(low)
        yield* settle
        yield* low.sessions[0]!.close("unwanted", "")
        yield* pass(2 * config.lingerTimeout)
        assert.deepStrictEqual(
          lines.splice(0).map(({ direction }) => direction),
          ["inbound", "outbound"],
          "the ends of sessions are told all the same"
        )
        yield* knock(1)
        assert.deepStrictEqual(lines, [{ ...failed, unsaid: 90 }])
      }).pipe(Effect.provide(Logger.layer([logger])))
    })
  })

  describe("the end of a session", () => {
    it.effect("says GOODBYE, so that the peer knows that it was meant", () =>
      Effect.gen(function* () {
        const { high, low } = yield* pair()
        yield* high.want(low)
        yield* settle
        const stopping = yield* Effect.forkChild(low.stop())
        yield* settle
        assert.deepStrictEqual(
          ends(high).map((it) => [it.reason, it.detail]),
          [["goodbye", "shutdown: this node stops"]]
        )
        yield* pass(2 * config.lingerTimeout)
        yield* Fiber.join(stopping)
      })
    )

    it.effect("tells a connection that is not a session yet that the node stops, and takes no other", () =>
      Effect.gen(function* () {
        const network = new MemoryNetwork()
        const node = yield* start({ network, seed: 1 })
        const knock = HostilePeer.dial(network.transport("10.1.0.1"), node.address.endpoint, {
          seed: new Uint8Array(32).fill(9)
        })
        const early = yield* knock
        yield* Effect.forkChild(node.links.close(1_000))
        const { word } = yield* early.farewell
        assert.deepStrictEqual(word, {
          _tag: "Reject",
          reject: { reason: "shutdown", number: 0n, detail: "this node stops" }
        })
        assert.strictEqual((yield* Effect.exit(knock))._tag, "Failure")
        assert.deepStrictEqual(reasons(node), ["refused", "shutdown"])
      })
    )

    it.effect("starts the handler of the next session only after that of the last one has ended", () =>
      Effect.gen(function* () {
        const network = new MemoryNetwork()
        const order: Array<string> = []
        const release = Latch.makeUnsafe(false)
        const low = yield* start({
          network,
          seed: arbiter,
          handle: (session) =>
            Effect.andThen(
              Effect.sync(() => order.push(`begin ${session.number}`)),
              Effect.never
            ).pipe(
              Effect.onExit(() =>
                Effect.tap(release.await, () => Effect.sync(() => order.push(`end ${session.number}`)))
              )
            )
        })
        const high = yield* start({ network, seed: follower })
        yield* high.want(low)
        yield* settle
        yield* high.crash
        const again = yield* start({ network, seed: follower, incarnation: 2 })
        yield* again.want(low)
        yield* pass("1 second")
        assert.deepStrictEqual(order, ["begin 1"])
        // The link is live; only its handler waits, and so nobody is shown a session yet.
        assert.isDefined(live(again, low))
        assert.isUndefined(live(low, again))
        release.openUnsafe()
        yield* settle
        assert.deepStrictEqual(order, ["begin 1", "end 1", "begin 2"])
        joined(low, again)
      })
    )

    it.effect("ends with its handler, and says so to the peer", () =>
      Effect.gen(function* () {
        const network = new MemoryNetwork()
        const done = yield* Deferred.make<void>()
        const low = yield* start({ network, seed: arbiter, handle: () => Deferred.await(done) })
        const high = yield* start({ network, seed: follower })
        yield* low.want(high)
        yield* settle
        yield* Deferred.succeed(done, undefined)
        yield* settle
        assert.strictEqual(ends(high)[0]?.reason, "goodbye")
        yield* pass(config.lingerTimeout)
        assert.strictEqual(ends(low)[0]?.reason, "internal")
      })
    )

    it.effect("ends with a GOODBYE when its handler crashes", () =>
      Effect.gen(function* () {
        const network = new MemoryNetwork()
        const low = yield* start({ network, seed: arbiter, handle: () => Effect.die(new Error("bug")) })
        const high = yield* start({ network, seed: follower })
        yield* low.want(high)
        yield* settle
        assert.strictEqual(ends(high)[0]?.reason, "goodbye")
      }).pipe(Effect.provide(Logger.layer([])))
    )

    it.effect("leaves nothing behind when it is interrupted at any point of its making", () =>
      countingFibers((alive) =>
        Effect.gen(function* () {
          const { high, low, network } = yield* pair()
          yield* pass("3 seconds")
          const baseline = yield* alive
          for (let turns = 0; turns < 60; turns++) {
            const serving = yield* Effect.forkChild(
              Effect.scoped(
                Effect.flatMap(low.transport.dial(high.address.endpoint), (socket) =>
                  low.links.serve(socket, {
                    direction: "outbound",
                    remote: "test",
                    host: high.host,
                    expected: high.key
                  })
                )
              )
            )
            for (let i = 0; i < turns; i++) yield* Effect.yieldNow
            yield* Fiber.interrupt(serving)
            yield* pass("3 seconds")
            assert.isFalse(low.registry.engaged(high.key), `after ${turns} turns`)
            assert.isFalse(high.registry.engaged(low.key), `after ${turns} turns`)
            assert.deepStrictEqual([[...low.links.pending()], [...high.links.pending()], network.links], [[], [], []])
            assert.strictEqual(yield* alive, baseline, `after ${turns} turns`)
          }
          // Each connection that was noted as open was noted as closed.
          const count = (to: Transition["to"]) => low.registry.recent().filter((it) => it.to === to).length
          assert.strictEqual(count("opening"), count("closed"))
          assert.isAbove(count("active"), 5)
          assert.isAbove(count("opening") - count("candidate"), 0)
        })
      )
    )
  })

  it.effect("comes back to where it was after 1,000 connections, however each was made and ended", () =>
    countingFibers((alive) =>
      Effect.gen(function* () {
        const network = new MemoryNetwork()
        const low = yield* start({ network, seed: arbiter })
        const connect = Effect.fnUntraced(function* (n: number) {
          const high = yield* start({ network, seed: follower, incarnation: n })
          if (n % 2 === 0) yield* high.want(low)
          else yield* low.want(high)
          // The handler's wait for the last session, and once in a while the timers of a stable one.
          yield* pass(n % 10 === 0 ? "61 seconds" : "2 seconds")
          joined(low, high)
          if (n % 3 === 0) network.links[0]!.reset()
          else if (n % 3 === 1) network.links[0]!.cut()
          yield* low.supervisor.unwant(high.key, "asked")
          if (n % 5 === 0) yield* high.crash
          else {
            const stopping = yield* Effect.forkChild(high.stop(0))
            yield* pass(2 * config.lingerTimeout)
            yield* Fiber.join(stopping)
          }
          yield* pass("1 minute")
        })
        const state = Effect.gen(function* () {
          return {
            fibers: yield* alive,
            links: network.links.length,
            sessions: low.registry.sessions().length,
            pending: [...low.links.pending()].length,
            watches: (yield* low.supervisor.watches).length
          }
        })
        yield* connect(1)
        const before = yield* state
        for (let n = 2; n <= 1_001; n++) yield* connect(n)
        assert.deepStrictEqual(yield* state, before)
        assert.isAtMost(low.registry.recent().length, 2 * keptTransitions)
        assert.deepStrictEqual(
          { links: before.links, sessions: before.sessions, pending: before.pending, watches: before.watches },
          { links: 0, sessions: 0, pending: 0, watches: 0 }
        )
        console.log(`1,000 connections: ${before.fibers} fibers before and after`)
      })
    ).pipe(Effect.provide(Logger.layer([])))
  )

  describe("limits", () => {
    it.effect("refuses the sessions beyond the limit as busy, but not the return of a peer that has one", () =>
      Effect.gen(function* () {
        const network = new MemoryNetwork()
        const hub = yield* start({ network, seed: 1, config: { maxSessions: 2 } })
        const nodes = yield* Effect.forEach([2, 3, 4], (seed) => start({ network, seed }))
        for (const node of nodes) {
          yield* node.want(hub)
          yield* settle
        }
        assert.strictEqual(hub.registry.sessions().length, 2)
        const last = nodes[2]!
        assert.isTrue(
          ends(last).some((it) => it.detail?.startsWith("busy: no place is free: 2 of 2 are taken") === true)
        )
        yield* nodes[0]!.vanish
        const again = yield* start({ network, seed: 2, incarnation: 2 })
        yield* again.want(hub)
        yield* settle
        assert.isDefined(live(again, hub))
        assert.strictEqual(hub.registry.sessions().length, 2)
      })
    )

    it.effect("counts handshakes only, so that sessions leave room for more, and dials for those who come", () =>
      Effect.gen(function* () {
        const network = new MemoryNetwork()
        const limits = { maxHandshakes: 3, maxHandshakesPerHost: 2, handshakeTimeout: 10_000 }
        const hub = yield* start({ network, seed: 1, config: limits })
        const others = yield* Effect.forEach([2, 3, 4, 5, 6], (seed) => start({ network, seed }))
        for (const [i, node] of others.entries()) yield* i % 2 === 0 ? node.want(hub) : hub.want(node)
        yield* settle
        assert.strictEqual(hub.registry.sessions().length, 5)
        // Callers that say nothing.
        const mute = (host: string) => network.transport(host).dial(hub.address.endpoint)
        for (const host of ["10.1.0.1", "10.1.0.1", "10.1.0.1", "10.1.0.2", "10.1.0.3"]) {
          yield* mute(host)
          yield* settle
        }
        const pending = [...hub.links.pending()].map((it) => it.host)
        assert.deepStrictEqual(pending, ["10.1.0.1", "10.1.0.1", "10.1.0.2"])
        yield* pass(limits.handshakeTimeout)
        assert.deepStrictEqual([...hub.links.pending()], [])
        const late = yield* start({ network, seed: 7 })
        yield* late.want(hub)
        yield* settle
        joined(hub, late)
      })
    )
  })
})
