import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Random } from "effect"
import { Scheduler } from "effect/Scheduler"
import { Address } from "../../../src/protocol/Address.ts"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import * as LinkMessage from "../../../src/protocol/link/LinkMessage.ts"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
import { BanGate, type Gate } from "../../../src/services/link/BanGate.ts"
import type { Session } from "../../../src/services/link/Session.ts"
import { type Joiner, SessionLanes } from "../../../src/services/link/SessionLanes.ts"
import type { Transition } from "../../../src/services/link/Transition.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import { Between } from "../../support/Between.ts"
import * as HostilePeer from "../../support/HostilePeer.ts"
import { arbiter, config, countingFibers, follower, keyOf, type LinkNode, start } from "../../support/LinkNode.ts"
import { pass, settle } from "../../support/VirtualTime.ts"

const live = (node: LinkNode, peer: { readonly key: NodeKey }): Session => {
  const found = node.registry.session(peer.key)?.session
  assert.isDefined(found)
  return found!
}
const to = (node: LinkNode, state: Transition["to"]): ReadonlyArray<Transition> =>
  node.registry.recent().filter((it) => it.to === state)
/** How its lanes have ended, oldest first. */
const lost = (node: LinkNode) => to(node, "closed").flatMap((it) => (it.from === "lane" ? [it.reason] : []))
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = ({ body }: Frame.Frame): string => new TextDecoder().decode(body)

const pair = Effect.fnUntraced(function* (low: number, high: number, more?: Partial<Parameters<typeof start>[0]>) {
  const network = new MemoryNetwork()
  const one = { ...more, config: { ...more?.config, lanes: low } }
  const other = { ...more, config: { ...more?.config, lanes: high } }
  return {
    network,
    low: yield* start({ network, seed: arbiter, ...one }),
    high: yield* start({ network, seed: follower, ...other })
  }
})

describe("the lanes of a session", () => {
  for (const [who, dialler] of [
    ["the arbiter", "low"],
    ["the follower", "high"]
  ] as const) {
    it.effect(`are opened by who has dialled, be it ${who}, and carry frames both ways`, () =>
      Effect.gen(function* () {
        const { high, low, network } = yield* pair(4, 3)
        const [one, other] = dialler === "low" ? [low, high] : [high, low]
        yield* one.want(other)
        yield* pass("1 second")
        const [near, far] = [live(one, other), live(other, one)]
        assert.deepStrictEqual(
          [near.openLanes, far.openLanes],
          [
            [0, 1, 2],
            [0, 1, 2]
          ]
        )
        assert.strictEqual(network.links.length, 3)
        for (const number of [1, 2]) {
          const [there, here] = [yield* near.lane(number), yield* far.lane(number)]
          yield* there.send(bytes(`hello ${number}`))
          yield* here.sendAll([bytes("a"), bytes("b")])
          yield* settle
          assert.deepStrictEqual((yield* here.frames.takeAll).map(text), [`hello ${number}`])
          assert.deepStrictEqual((yield* there.frames.takeAll).map(text), ["a", "b"])
        }
        const first = yield* near.lane(0)
        yield* first.send(bytes("on the session itself"))
        assert.strictEqual(text(yield* far.frames.take), "on the session itself")
        for (const [node, peer] of [
          [one, other],
          [other, one]
        ] as const) {
          const { connection } = node.registry.session(peer.key)!
          assert.isTrue(node.registry.alone(peer.key, connection.id), "the arbiter has nothing else to decide about")
        }
        // They are no peers, no sessions and nothing that the arbiter knows of.
        assert.deepStrictEqual([one.registry.sessions().length, other.registry.sessions().length], [1, 1])
        assert.deepStrictEqual([to(one, "active").length, to(other, "active").length], [1, 1])
        assert.deepStrictEqual([[...one.links.pending()], [...other.links.pending()]], [[], []])
        yield* pass("1 hour")
        assert.deepStrictEqual([lost(one), lost(other)], [[], []])
      })
    )
  }

  for (const [low, high] of [
    [1, 8],
    [8, 1]
  ] as const) {
    it.effect(`are one if one side offers ${low} and the other ${high}`, () =>
      Effect.gen(function* () {
        const { network, ...nodes } = yield* pair(low, high)
        yield* nodes.low.want(nodes.high)
        yield* pass("1 minute")
        assert.strictEqual(live(nodes.low, nodes.high).lanes, 1)
        assert.strictEqual(live(nodes.high, nodes.low).lanes, 1)
        assert.strictEqual(network.dials, 1)
        assert.strictEqual(live(nodes.low, nodes.high).hello.lanes, high === 1 ? undefined : high)
      })
    )
  }

  it.effect("are eight at the most, within the limits of whoever lets them in", () =>
    Effect.gen(function* () {
      const { high, low, network } = yield* pair(100, 100)
      yield* high.want(low)
      yield* pass("1 minute")
      assert.deepStrictEqual(live(low, high).openLanes, [0, 1, 2, 3, 4, 5, 6, 7])
      assert.strictEqual(network.links.length, 8)
    })
  )

  it.effect("are one set when dials cross", () =>
    Effect.gen(function* () {
      for (let round = 0; round < 20; round++) {
        const { high, low, network } = yield* pair(3, 3)
        yield* Effect.all([low.want(high), high.want(low)], { concurrency: "unbounded" })
        yield* pass("1 minute")
        assert.strictEqual(live(low, high).number, live(high, low).number)
        assert.deepStrictEqual(
          [live(low, high).openLanes, live(high, low).openLanes],
          [
            [0, 1, 2],
            [0, 1, 2]
          ]
        )
        assert.strictEqual(network.links.length, 3)
        yield* low.crash
        yield* high.crash
      }
    }).pipe(Random.withSeed("crossing"))
  )

  it.effect("are replaced when they are lost, and the session does not notice", () =>
    Effect.gen(function* () {
      const { high, low, network } = yield* pair(3, 3)
      yield* high.want(low)
      yield* pass("10 seconds")
      const session = live(high, low)
      const lane = yield* session.lane(1)
      const waiting = yield* Effect.forkChild(lane.lost)
      network.links[1]!.reset()
      yield* settle
      assert.isDefined(waiting.pollUnsafe())
      assert.deepStrictEqual(session.openLanes, [0, 2])
      const next = yield* Effect.forkChild(session.lane(1))
      yield* pass("1 second")
      const again = yield* Fiber.join(next)
      assert.notStrictEqual(again, lane)
      yield* again.send(bytes("still here"))
      assert.strictEqual(text(yield* (yield* live(low, high).lane(1)).frames.take), "still here")
      assert.strictEqual(live(high, low), session)
      assert.deepStrictEqual([to(high, "active").length, lost(high).length], [1, 1])
    })
  )

  it.effect("are found dead by their own heartbeat, and by a probe when the other side has found out first", () =>
    Effect.gen(function* () {
      const { high, low, network } = yield* pair(2, 2)
      yield* high.want(low)
      yield* pass("10 seconds")
      network.links[1]!.cut()
      yield* pass("20 seconds")
      assert.deepStrictEqual(
        [live(high, low).openLanes, live(low, high).openLanes],
        [
          [0, 1],
          [0, 1]
        ]
      )
      assert.deepStrictEqual([lost(high), lost(low)], [["silent"], ["silent"]])
      // Only the side that dials knows: the other one asks the old connection before it takes the new one.
      network.links[1]!.cut()
      const home = high.registry.session(low.key)?.connection
      const lanes = high.registry.connections().filter(({ connection }) => connection !== home)
      assert.lengthOf(lanes, 1)
      lanes[0]!.connection.end({ reason: "network", detail: "the test" })
      yield* pass("5 seconds")
      assert.deepStrictEqual(live(high, low).openLanes, [0, 1])
      assert.deepStrictEqual(
        [lost(high), lost(low)],
        [
          ["silent", "network"],
          ["silent", "silent"]
        ]
      )
      assert.strictEqual(to(low, "active").length, 1)
    })
  )

  it.effect("end with the session, on both sides, and nothing is left", () =>
    countingFibers((alive) =>
      Effect.gen(function* () {
        const { high, low, network } = yield* pair(4, 4)
        yield* pass("1 second")
        const before = yield* alive
        const serving = yield* Effect.forkChild(high.want(low))
        yield* pass("10 seconds")
        yield* Fiber.join(serving)
        const number = live(high, low).number
        // Nobody hears of the end of a lane from the other side.
        for (const link of network.links.slice(1)) link.cut()
        network.links[0]!.reset()
        yield* settle
        assert.deepStrictEqual([lost(high).length, lost(low).length], [3, 3])
        yield* pass("10 seconds")
        assert.isAbove(Number(live(high, low).number), Number(number), "a new session")
        assert.deepStrictEqual(live(low, high).openLanes, [0, 1, 2, 3])
        yield* high.supervisor.unwant(low.key, "asked")
        yield* live(high, low).close("unwanted", "the test is over")
        yield* pass("10 seconds")
        assert.deepStrictEqual([network.links, [...low.links.pending()]], [[], []])
        assert.strictEqual(yield* alive, before)
      })
    )
  )

  it.effect("are not taken from another process that has come to the place of the peer", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const heartbeat = { ...config.heartbeat, interval: 3_600_000, timeout: 7_200_000 }
      const high = yield* start({ network, seed: follower, config: { lanes: 2, heartbeat } })
      const low = yield* start({ network, seed: arbiter, config: { lanes: 2 } })
      yield* high.want(low)
      yield* pass("1 second")
      yield* low.vanish
      yield* start({ network, seed: arbiter, instance: 77, config: { lanes: 2 } })
      const connection = network.links.at(-1)!
      connection.reset()
      yield* pass("10 seconds")
      const why = to(high, "closed").at(-1)
      assert.deepStrictEqual([why?.reason, why?.detail], ["refused", "lane: another process of the peer has answered"])
    })
  )

  for (const keeper of ["dials", "is dialled"] as const) {
    it.effect(`are not opened again while the node that ${keeper} keeps the other's host out`, () =>
      Effect.gen(function* () {
        const kept = new Set<string>()
        const gate: Gate = {
          closedFor: () => 0,
          keptOut: (_, host) => (kept.has(host) ? { reason: "it lied", forMillis: 5_000 } : undefined),
          offended: () => {}
        }
        const { high, low, network } = yield* Effect.provideService(pair(2, 2), BanGate, gate)
        yield* high.want(low)
        yield* pass("10 seconds")
        kept.add(keeper === "dials" ? low.host : high.host)
        network.links[1]!.reset()
        yield* pass("1 minute")
        assert.isAbove(network.dials, 3)
        assert.deepStrictEqual([live(high, low).openLanes, live(low, high).openLanes], [[0], [0]])
        kept.clear()
        yield* pass("1 minute")
        assert.deepStrictEqual(
          [live(high, low).openLanes, live(low, high).openLanes],
          [
            [0, 1],
            [0, 1]
          ]
        )
        assert.deepStrictEqual([high.sessions.length, low.sessions.length], [1, 1])
      })
    )
  }

  it.effect("end with a node that stops", () =>
    Effect.gen(function* () {
      const { high, low, network } = yield* pair(4, 4)
      yield* high.want(low)
      yield* pass("10 seconds")
      yield* high.supervisor.unwant(low.key, "asked")
      const stopping = yield* Effect.forkChild(low.stop())
      yield* pass("2 seconds")
      yield* Fiber.join(stopping)
      assert.deepStrictEqual([network.links, [...high.links.pending()]], [[], []])
      assert.deepStrictEqual(lost(high), ["goodbye", "goodbye", "goodbye"])
      yield* high.stop()
    })
  )

  for (const who of ["the side that has dialled", "the side that was dialled"] as const) {
    it.effect(`have their say before ${who} ends the session`, () =>
      Effect.gen(function* () {
        let got = 0
        const { high, low } = yield* pair(3, 3)
        const [from, by] = who === "the side that has dialled" ? [low, high] : [high, low]
        yield* high.want(low)
        yield* pass("2 seconds")
        for (const number of [1, 2]) {
          const far = yield* live(from, by).lane(number)
          yield* Effect.forkChild(Effect.forever(Effect.map(far.frames.takeAll, (all) => void (got += all.length))))
        }
        for (const number of [1, 2]) {
          const lane = yield* live(by, from).lane(number)
          for (let n = 0; n < 200; n++) yield* lane.send(new Uint8Array(5_000))
        }
        const all = new Array<number>()
        yield* Effect.forkChild(
          Effect.andThen(
            Effect.flatMap(live(from, by).lane(0), (zero) => zero.lost),
            Effect.sync(() => void all.push(got))
          )
        )
        yield* live(by, from).close("unwanted", "the test is over")
        yield* pass("900 millis")
        assert.deepStrictEqual(all, [400])
        assert.strictEqual(to(from, "closed").at(-1)?.reason, "goodbye")
        assert.strictEqual(to(from, "closed").at(-1)?.from, "active")
      })
    )
  }

  it.effect("are given to who asks for one just as it is opened", () =>
    Effect.gen(function* () {
      const { high, low } = yield* pair(2, 2)
      yield* high.want(low)
      yield* pass("1 second")
      const home = yield* live(high, low).lane(0)
      const { connection } = high.registry.session(low.key)!
      const joiner: Joiner = {
        ...home,
        number: 1,
        connection,
        open: () => true,
        refuse: () => {},
        replace: () => {},
        leave: () => {}
      }
      const run = Effect.runForkWith(yield* Effect.context<never>())
      for (let nth = 0, hasOpened = true; hasOpened; nth++) {
        const lanes = new SessionLanes(2, home, 1_000)
        hasOpened = false
        const opens = () => {
          hasOpened = true
          lanes.ask(joiner)
        }
        const scheduler = new Between(nth, opens)
        const asking = run(Effect.provideService(lanes.lane(1), Scheduler, scheduler), { scheduler })
        yield* settle
        assert.strictEqual(asking.pollUnsafe() !== undefined, hasOpened, `before operation ${nth}`)
        yield* Fiber.interrupt(asking)
        assert.isTrue(hasOpened || nth > 2)
      }
    })
  )

  it.effect("that a session cannot have are a defect", () =>
    Effect.gen(function* () {
      const { high, low } = yield* pair(2, 2)
      yield* high.want(low)
      yield* pass("1 second")
      for (const number of [-1, 2, 0.5]) {
        const exit = yield* Effect.exit(live(high, low).lane(number))
        assert.isTrue(Exit.hasDies(exit))
      }
    })
  )
})

/** The peers of these tests answer no ping. */
const patient = { ...config.heartbeat, interval: 3_600_000, timeout: 7_200_000 }

describe("a connection that asks for a lane", () => {
  /** A node whose session with a peer that says what the test wants has two more lanes. */
  const visited = Effect.gen(function* () {
    const network = new MemoryNetwork()
    const node = yield* start({ network, seed: arbiter, config: { lanes: 3, heartbeat: patient } })
    const dial = (seed: number, host = "10.1.0.1") =>
      HostilePeer.dial(network.transport(host), node.address.endpoint, {
        seed: new Uint8Array(32).fill(seed),
        expected: node.key
      })
    const join = Effect.fnUntraced(function* (session: bigint, lane: number, seed = follower) {
      const peer = yield* dial(seed)
      yield* peer.send(Frame.Kind.Join, LinkMessage.join.encode({ session, lane }))
      return peer
    })
    return { network, node, dial, join }
  })
  const session = Effect.fnUntraced(function* (peer: HostilePeer.HostilePeer, lanes = 3) {
    yield* peer.hello({ lanes })
    yield* peer.take(Frame.Kind.Commit)
  })
  const word = (peer: HostilePeer.HostilePeer) =>
    Effect.map(peer.farewell, (farewell) =>
      farewell.word?._tag === "Reject"
        ? `${farewell.word.reject.reason}: ${farewell.word.reject.detail}`
        : farewell.word
    )
  const soon = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(effect)
      yield* pass("3 seconds")
      return yield* Fiber.join(fiber)
    })

  it.effect("is let in by session and lane, and says what it wants there", () =>
    Effect.gen(function* () {
      const { dial, join, node } = yield* visited
      yield* session(yield* dial(follower))
      const lane = yield* join(1n, 2)
      const { body } = yield* lane.take(Frame.Kind.Joined)
      assert.deepStrictEqual(LinkMessage.joined.decode(body)._tag, "Success")
      yield* lane.send(Frame.Kind.Stream, bytes("x".repeat(100_000)))
      yield* settle
      assert.strictEqual((yield* (yield* node.sessions[0]!.lane(2)).frames.take).body.length, 100_000)
      assert.deepStrictEqual(node.sessions[0]!.openLanes, [0, 2])
    })
  )

  it.effect("is refused with a wrong number, a lane that there is not, and another key", () =>
    Effect.gen(function* () {
      const { dial, join, node } = yield* visited
      yield* session(yield* dial(follower))
      const nobody = (number: bigint) => `lane: you have dialled no session ${number} that has lanes here`
      assert.strictEqual(yield* soon(word(yield* join(2n, 1))), nobody(2n))
      assert.strictEqual(yield* soon(word(yield* join(0n, 1))), nobody(0n))
      assert.strictEqual(yield* soon(word(yield* join(1n, 1, 77))), nobody(1n))
      assert.strictEqual(yield* soon(word(yield* join(1n, 3))), "lane: there is no lane 3 to join of 3")
      assert.strictEqual(yield* soon(word(yield* join(1n, 255))), "lane: there is no lane 255 to join of 3")
      assert.deepStrictEqual(node.sessions[0]!.openLanes, [0])
    })
  )

  it.effect("is refused before the session is live, and after it was", () =>
    Effect.gen(function* () {
      const { dial, join, node } = yield* visited
      assert.include(yield* soon(word(yield* join(1n, 1))), "lane: you have dialled no session 1")
      const peer = yield* dial(follower)
      yield* session(peer)
      yield* peer.end
      yield* pass("2 seconds")
      assert.include(yield* soon(word(yield* join(1n, 1))), "lane: you have dialled no session 1")
      assert.isUndefined(node.registry.session(keyOf(follower)))
    })
  )

  it.effect("is refused by the side that has dialled the session itself", () =>
    Effect.gen(function* () {
      const { high, low, network } = yield* pair(3, 3)
      yield* low.want(high)
      yield* pass("1 second")
      const { number } = live(low, high)
      const peer = yield* HostilePeer.dial(network.transport("10.1.0.1"), low.address.endpoint, {
        seed: new Uint8Array(32).fill(follower)
      })
      yield* peer.send(Frame.Kind.Join, LinkMessage.join.encode({ session: number, lane: 1 }))
      assert.strictEqual(yield* soon(word(peer)), `lane: you have dialled no session ${number} that has lanes here`)
      assert.deepStrictEqual([lost(low), live(low, high).openLanes], [[], [0, 1, 2]])
    })
  )

  it.effect("is refused by a node that wants one lane only", () =>
    Effect.gen(function* () {
      const { dial, join } = yield* visited
      yield* session(yield* dial(follower), 1)
      assert.strictEqual(
        yield* soon(word(yield* join(1n, 1))),
        "lane: you have dialled no session 1 that has lanes here"
      )
    })
  )

  it.effect("is refused while the one that has the lane answers, and let in when it does not", () =>
    Effect.gen(function* () {
      const { dial, join, node } = yield* visited
      yield* session(yield* dial(follower))
      const first = yield* join(1n, 1)
      yield* first.take(Frame.Kind.Joined)
      const second = yield* join(1n, 1)
      yield* settle
      // It answers nothing by itself, but it says something.
      yield* first.send(Frame.Kind.Stream, bytes("alive"))
      yield* settle
      assert.strictEqual(yield* soon(word(second)), "lane: lane 1 is open")
      const third = yield* join(1n, 1)
      yield* pass(config.probeTimeout)
      yield* third.take(Frame.Kind.Joined)
      assert.deepStrictEqual(node.sessions[0]!.openLanes, [0, 1])
      assert.deepStrictEqual(lost(node), ["silent"])
    })
  )

  it.effect("brings nothing more once its session says its last, however long that takes", () =>
    Effect.gen(function* () {
      const { dial, join, node } = yield* visited
      const zero = yield* dial(follower)
      yield* session(zero)
      const lane = yield* join(1n, 1)
      yield* lane.take(Frame.Kind.Joined)
      const near = node.sessions[0]!
      const { frames } = yield* near.lane(1)
      let got = 0
      yield* Effect.forkChild(Effect.forever(Effect.map(frames.takeAll, (all) => void (got += all.length))))
      yield* lane.send(Frame.Kind.Stream, bytes("taken"))
      yield* settle
      // Nobody reads lane 0, and much waits there.
      yield* Effect.forkChild(Effect.forever(near.send(Frame.Kind.Data, new Uint8Array(60_000))))
      yield* settle
      yield* near.close("unwanted", "the test is over")
      for (let second = 0; second < 5; second++) {
        yield* lane.send(Frame.Kind.Stream, bytes("too late"))
        yield* pass("1 second")
      }
      assert.strictEqual(got, 1)
      assert.isDefined(node.registry.session(keyOf(follower)), "it has not been able to say it")
      assert.deepStrictEqual(lost(node), ["shutdown"])
      yield* pass("7 seconds")
      assert.deepStrictEqual(node.registry.sessions(), [])
    })
  )

  for (const [what, millis] of [
    ["a session that is closed", config.writeTimeout],
    ["a node that stops", config.lingerTimeout]
  ] as const) {
    it.effect(`holds up the last word of ${what} for ${millis} ms at the most`, () =>
      Effect.gen(function* () {
        const { dial, join, node } = yield* visited
        const zero = yield* dial(follower)
        yield* session(zero)
        const lane = yield* join(1n, 1)
        yield* lane.take(Frame.Kind.Joined)
        const near = yield* node.sessions[0]!.lane(1)
        // Nobody reads it.
        yield* Effect.forkChild(Effect.forever(near.send(new Uint8Array(60_000))))
        yield* settle
        const heard = yield* Effect.forkChild(zero.farewell)
        yield* what === "a node that stops"
          ? Effect.forkChild(node.stop())
          : node.sessions[0]!.close("shutdown", "the test is over")
        yield* pass(millis - 100)
        assert.isUndefined(heard.pollUnsafe())
        yield* pass(200)
        assert.strictEqual((yield* Fiber.join(heard)).word?._tag, "Goodbye")
        yield* pass("2 seconds")
      })
    )
  }

  it.effect("is out of the lane's way from the moment in which it is too late", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const handshakeTimeout = 1_000
      const node = yield* start({
        network,
        seed: arbiter,
        config: { lanes: 3, heartbeat: patient, handshakeTimeout, probeTimeout: 1_500 }
      })
      const dial = HostilePeer.dial(network.transport("10.1.0.1"), node.address.endpoint, {
        seed: new Uint8Array(32).fill(follower),
        expected: node.key
      })
      yield* session(yield* dial)
      const join = Effect.tap(dial, (peer) =>
        peer.send(Frame.Kind.Join, LinkMessage.join.encode({ session: 1n, lane: 1 }))
      )
      yield* (yield* join).take(Frame.Kind.Joined)
      // Too late after 1 s, while it is asked until 1.5 s whether the one that has the lane lives.
      yield* join
      yield* pass("1700 millis")
      assert.deepStrictEqual([to(node, "lane").length, lost(node)], [1, []])
      assert.deepStrictEqual(node.sessions[0]!.openLanes, [0, 1])
    })
  )

  it.effect("is told that it is a lane only by who has said which process it is", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const seed = new Uint8Array(32).fill(arbiter)
      const address = new Address({ key: keyOf(arbiter), host: "10.1.0.1", port: 4000 })
      const visitors = yield* HostilePeer.listen(network.transport(address.host), address.endpoint, seed)
      const node = yield* start({ network, seed: follower, config: { lanes: 2, heartbeat: patient } })
      yield* node.want({ key: address.key, address })
      const zero = yield* visitors.next
      yield* zero.hello({ lanes: 2 })
      yield* zero.send(Frame.Kind.Commit, LinkMessage.commit.encode({ number: 1n }))
      const lane = yield* soon(visitors.next)
      yield* lane.send(Frame.Kind.Joined, LinkMessage.joined.encode({ session: 1n, lane: 1 }))
      yield* settle
      assert.deepStrictEqual(node.sessions[0]!.openLanes, [0])
      yield* pass("2 seconds")
      assert.strictEqual(to(node, "closed")[0]?.reason, "violation")
    })
  )

  it.effect("ends alone when it says what is not for a lane", () =>
    Effect.gen(function* () {
      const { dial, join, node } = yield* visited
      yield* session(yield* dial(follower))
      for (const kind of [Frame.Kind.Data, Frame.Kind.Receipt, Frame.Kind.Resume, Frame.Kind.Hello, 99]) {
        const lane = yield* join(1n, 1)
        yield* lane.take(Frame.Kind.Joined)
        yield* lane.send(kind, LinkMessage.hello.encode(HostilePeer.greeting))
        const farewell = yield* soon(lane.farewell)
        assert.strictEqual(farewell.word?._tag === "Goodbye" ? farewell.word.goodbye.reason : "", "violation")
      }
      const lane = yield* join(1n, 1)
      yield* lane.take(Frame.Kind.Joined)
      yield* lane.send(Frame.Kind.Gossip, bytes("not here"))
      yield* pass("2 seconds")
      assert.deepStrictEqual(node.sessions[0]!.openLanes, [0, 1])
      assert.strictEqual(to(node, "active").length, 1)
    })
  )
})
