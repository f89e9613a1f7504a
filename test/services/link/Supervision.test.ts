import { assert, describe } from "@effect/vitest"
import { Clock, Effect, Layer, Random } from "effect"
import { Endpoint } from "../../../src/protocol/Address.ts"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
import { BanGate, type Gate } from "../../../src/services/link/BanGate.ts"
import { ended } from "../../../src/services/link/Ended.ts"
import { nothing, type Outcome } from "../../../src/services/link/Outcome.ts"
import { keyOf } from "../../support/LinkNode.ts"
import { type Dial, endpointOf, lasting, rejected, start } from "../../support/LoneSupervisor.ts"
import { seeded } from "../../support/Seeded.ts"
import { pass, settle } from "../../support/VirtualTime.ts"

const to = (seed: number) => endpointOf(seed).toString()
const of = (dials: ReadonlyArray<Dial>, seed: number) => dials.filter((dial) => dial.to === to(seed))
const seeds = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i + 10)
const [minute, hour] = [60_000, 3_600_000]

/** A session that the peer ends, saying when to come back. */
const leaving = (retryAfterMillis: number, lasted = 2 * minute): Effect.Effect<Outcome> =>
  lasting(lasted, {
    ended: ended("goodbye", "shutdown"),
    goodbye: { reason: "shutdown", retryAfterMillis, detail: "" }
  })

describe("the first dial after a lost session", () => {
  const gapsAfter = (peers: number) =>
    Effect.gen(function* () {
      const { currentTimeMillisUnsafe: now } = yield* Clock.Clock
      const { decide, dials, want } = yield* start()
      const lost = now() + 5 * minute
      decide(() => lasting(5 * minute))
      for (const seed of seeds(peers)) yield* want(seed)
      yield* settle
      assert.strictEqual(dials.length, peers)
      yield* pass(5 * minute)
      yield* pass(6_000)
      return dials.slice(peers).map(({ at }) => at - lost)
    }).pipe(Effect.scoped)

  seeded("comes within a second, of up to three peers at once", () =>
    Effect.gen(function* () {
      const gaps = (yield* Effect.forEach(Array.from({ length: 12 }), () => gapsAfter(3))).flat()
      assert.lengthOf(gaps, 36)
      assert.isBelow(Math.max(...gaps), 1_000)
      assert.isAbove(Math.max(...gaps), 500)
    }).pipe(Random.withSeed("single"))
  )

  seeded("comes within five seconds where more are lost in the same second", () =>
    Effect.gen(function* () {
      const gaps = (yield* Effect.forEach(Array.from({ length: 5 }), () => gapsAfter(10))).flat()
      assert.lengthOf(gaps, 50)
      assert.isBelow(Math.max(...gaps), 5_000)
      assert.isAbove(gaps.filter((gap) => gap > 1_000).length, 20)
    }).pipe(Random.withSeed("outage"))
  )
})

describe("a peer that was only heard of", () => {
  seeded("is dropped after eight failures, and not taken again for an hour", () =>
    Effect.gen(function* () {
      const { dials, supervisor, want, watch } = yield* start()
      yield* want(9, "learned")
      yield* settle
      assert.deepInclude(yield* watch(9), { desires: ["learned"], opportunistic: true, failures: 1 })
      yield* pass("10 minutes")
      assert.strictEqual(dials.length, 8)
      assert.deepStrictEqual(yield* supervisor.watches, [])
      yield* want(9, "learned")
      yield* pass("40 minutes")
      assert.strictEqual(dials.length, 8)
      yield* pass("20 minutes")
      yield* want(9, "learned")
      yield* pass("10 minutes")
      assert.strictEqual(dials.length, 16)
    })
  )

  seeded("is dialled for ever once somebody asks for it, and dropped when nobody does any more", () =>
    Effect.gen(function* () {
      const { dials, supervisor, want, watch } = yield* start()
      yield* want(9, "learned")
      yield* want(9, "asked")
      yield* pass("1 hour")
      assert.isAbove(dials.length, 80)
      assert.deepInclude(yield* watch(9), { opportunistic: false })
      yield* supervisor.unwant(keyOf(9), "asked")
      assert.deepInclude(yield* watch(9), { opportunistic: true })
      const sofar = dials.length
      yield* pass("1 hour")
      assert.isAtMost(dials.length, sofar + 1)
      assert.deepStrictEqual(yield* supervisor.watches, [])
      yield* want(9, "asked")
      yield* settle
      assert.isAbove(dials.length, sofar, "nobody who asks is told to wait for an hour")
    })
  )

  seeded("is kept while its sessions are stable", () =>
    Effect.gen(function* () {
      const { decide, dials, want, watch } = yield* start()
      let flaky = 0
      // Seven failures, then a stable session, again and again.
      decide(() => (flaky++ % 8 === 7 ? lasting(2 * minute) : "refuse"))
      yield* want(9, "learned")
      yield* pass("3 hours")
      assert.isDefined(yield* watch(9))
      assert.isAbove(dials.length, 80)
    })
  )

  seeded("is taken again at once when it has come by itself", () =>
    Effect.gen(function* () {
      const { dials, supervisor, want } = yield* start()
      yield* want(9, "learned")
      yield* pass("10 minutes")
      yield* supervisor.report({ ...(yield* lasting(0)), peer: keyOf(9) })
      yield* want(9, "learned")
      yield* settle
      assert.strictEqual(dials.length, 9)
    })
  )

  seeded("is not taken beyond the limit, or without an address", () =>
    Effect.gen(function* () {
      const { decide, dials, supervisor, want } = yield* start({ config: { maxLearned: 3 } })
      decide(() => "hang")
      yield* want(8, "asked")
      for (const seed of seeds(6)) yield* want(seed, "learned")
      yield* settle
      assert.deepStrictEqual(
        dials.map((dial) => dial.to),
        [8, 10, 11, 12].map(to)
      )
      yield* supervisor.unwant(keyOf(10), "learned")
      yield* pass("10 seconds")
      yield* supervisor.want(keyOf(99), "learned")
      yield* settle
      assert.isUndefined((yield* supervisor.watches).find(({ peer }) => peer === keyOf(99)))
    })
  )
})

describe("the dials of a node", () => {
  seeded("are ten at once, then ten a second, whoever they are for", () =>
    Effect.gen(function* () {
      const { dials, want } = yield* start()
      for (const seed of seeds(100)) yield* want(seed)
      yield* settle
      assert.strictEqual(dials.length, 10)
      yield* pass("1 second")
      assert.strictEqual(dials.length, 20)
      yield* pass("1 minute")
      assert.strictEqual(new Set(dials.map((dial) => dial.to)).size, 100)
      for (const { at } of dials) {
        const within = dials.filter((dial) => dial.at >= at && dial.at < at + 5_000).length
        assert.isAtMost(within, 10 + 50)
      }
    })
  )

  seeded("are eight under way at the most, and those that wait for their turn come in order", () =>
    Effect.gen(function* () {
      const { decide, dials, most, want } = yield* start()
      decide(() => "hang")
      for (const seed of seeds(30)) yield* want(seed)
      yield* settle
      assert.strictEqual(dials.length, 8)
      yield* pass("31 seconds")
      assert.strictEqual(most(), 8)
      assert.deepStrictEqual(
        dials.slice(0, 30).map((dial) => dial.to),
        seeds(30).map(to)
      )
    })
  )

  seeded("are not made, when their turn comes, for whom nobody wants or who is connected by then", () =>
    Effect.gen(function* () {
      const { decide, dials, engaged, supervisor, want } = yield* start()
      decide(() => "hang")
      for (const seed of seeds(12)) yield* want(seed)
      yield* settle
      yield* supervisor.unwant(keyOf(18), "asked")
      engaged.add(keyOf(19))
      yield* pass("15 seconds")
      assert.deepStrictEqual([of(dials, 18), of(dials, 19)], [[], []])
      assert.lengthOf(of(dials, 20), 1)
    })
  )

  seeded("cost nothing of the rate if they are not made, and are given up while they wait for it", () =>
    Effect.gen(function* () {
      const { decide, dials, supervisor, want } = yield* start()
      decide(() => lasting(hour))
      for (const seed of seeds(100)) yield* want(seed)
      yield* settle
      // The eight after the first ten have their turn, and wait for the rate.
      for (let seed = 20; seed < 80; seed++) yield* supervisor.unwant(keyOf(seed), "asked")
      yield* pass(4_000)
      assert.strictEqual(dials.length, 100 - 60)
    })
  )
})

describe("a peer that is there again", () => {
  seeded("is dialled soon, as long as it closes what it accepts", () =>
    Effect.gen(function* () {
      const nextGap = Effect.gen(function* () {
        const { decide, dials, want } = yield* start()
        yield* want(9)
        yield* pass("10 minutes")
        const before = dials.length
        decide(() => Effect.succeed(nothing(ended("closed", ""))))
        yield* pass("2 minutes")
        const [first, second] = dials.slice(before).map(({ at }) => at)
        return second! - first!
      })
      const gaps = yield* Effect.forEach(seeds(20), () => nextGap)
      assert.isAtMost(Math.max(...gaps), 15_001)
      assert.isAbove(Math.max(...gaps), 10_000)
    }).pipe(Random.withSeed("answered"))
  )
})

describe("what a peer says", () => {
  seeded(
    "about networks, versions and chains is asked for once in ten minutes, however often somebody wants to connect",
    () =>
      Effect.gen(function* () {
        for (const reason of ["network", "version", "genesis"] as const) {
          const { book, decide, dials, supervisor, want, watch } = yield* start()
          decide(() => rejected({ reason }))
          yield* want(9)
          for (let i = 0; i < 120; i++) {
            yield* supervisor.poke(keyOf(9))
            yield* pass("30 seconds")
          }
          assert.isAtLeast(dials.length, 6, reason)
          assert.isAtMost(dials.length, 7, reason)
          assert.deepInclude((yield* watch(9))?.lastEnded, { reason: "rejected", detail: reason })
          // Somewhere else it may be another one.
          decide(() => lasting(hour))
          yield* book.want(keyOf(9), endpointOf(8))
          yield* supervisor.poke(keyOf(9))
          yield* settle
          assert.strictEqual(dials.at(-1)?.to, to(8))
        }
      }).pipe(Effect.scoped)
  )

  seeded("about a ban is waited out, wherever it is, then it is dialled", () =>
    Effect.gen(function* () {
      const { book, decide, dials, supervisor, want } = yield* start()
      decide(() => rejected({ reason: "banned", retryAfterMillis: 3 * hour }))
      yield* want(9)
      yield* settle
      yield* book.want(keyOf(9), endpointOf(8))
      yield* supervisor.poke(keyOf(9))
      yield* supervisor.refresh
      yield* pass("179 minutes")
      assert.strictEqual(dials.length, 1)
      yield* pass("2 minutes")
      assert.strictEqual(dials.length, 2)
    })
  )

  seeded("about its return is waited for, and nothing is held against it", () =>
    Effect.gen(function* () {
      const { decide, dials, supervisor, want, watch } = yield* start()
      decide(() => leaving(20 * minute))
      yield* want(9)
      yield* pass(2 * minute)
      yield* supervisor.refresh
      yield* pass(20 * minute - 1)
      assert.strictEqual(dials.length, 1)
      assert.strictEqual((yield* watch(9))?.failures, 0)
      yield* pass(1_001)
      assert.strictEqual(dials.length, 2)
    })
  )

  seeded("about its return counts, although somebody asked for a dial while it was dialled or there", () =>
    Effect.gen(function* () {
      const { decide, dials, supervisor, want } = yield* start()
      decide(() => leaving(20 * minute))
      yield* want(9)
      yield* supervisor.poke(keyOf(9))
      yield* pass(minute)
      yield* supervisor.poke(keyOf(9))
      yield* pass(20 * minute)
      assert.strictEqual(dials.length, 1)
    })
  )

  seeded("about its return counts, although somebody asks for a dial afterwards, but not elsewhere", () =>
    Effect.gen(function* () {
      const { book, decide, dials, supervisor, want } = yield* start()
      decide(() => leaving(20 * minute))
      yield* want(9)
      yield* pass(2 * minute)
      yield* supervisor.poke(keyOf(9))
      yield* pass(10 * minute)
      assert.strictEqual(dials.length, 1)
      yield* book.want(keyOf(9), endpointOf(8))
      yield* supervisor.poke(keyOf(9))
      yield* settle
      assert.deepStrictEqual(
        dials.map((dial) => dial.to),
        [to(9), to(8)]
      )
    })
  )

  seeded("about its return counts where it was the one that had dialled", () =>
    Effect.gen(function* () {
      const { decide, dials, supervisor, want } = yield* start()
      yield* want(9)
      yield* settle
      decide(() => lasting(hour))
      yield* supervisor.report({ ...(yield* leaving(20 * minute, 0)), peer: keyOf(9) })
      yield* supervisor.poke(keyOf(9))
      yield* pass(20 * minute - 1)
      assert.strictEqual(dials.length, 1)
      yield* pass(1_001)
      assert.strictEqual(dials.length, 2)
    })
  )

  seeded("about who keeps its link is followed at once, for one dial", () =>
    Effect.gen(function* () {
      const { decide, dials, want } = yield* start()
      const elsewhere = new Endpoint({ host: "10.1.1.1", port: 5000 })
      decide((place) =>
        place === to(9)
          ? rejected({ reason: "owner", address: { host: elsewhere.host, port: elsewhere.port } })
          : "refuse"
      )
      yield* want(9)
      yield* pass("1 minute")
      assert.deepStrictEqual(
        dials.slice(0, 4).map((dial) => dial.to),
        [to(9), elsewhere.toString(), to(9), elsewhere.toString()]
      )
      assert.strictEqual(dials[1]!.at - dials[0]!.at, 500)
    })
  )
})

describe("a peer that sends this node elsewhere", () => {
  for (const [why, host] of [
    ["to its own machine", "127.0.0.1"],
    ["to its own machine by name", "localhost"],
    ["to where machines answer with their secrets", "169.254.169.254"],
    ["nowhere", "0.0.0.0"],
    ["to many", "224.0.0.1"],
    ["to itself", "10.1.1.1"],
    ["to whom it keeps out", "10.1.1.2"]
  ] as const) {
    seeded(`${why} is dialled where it was`, () =>
      Effect.gen(function* () {
        const gate: Gate = {
          keptOut: () => undefined,
          offended: () => undefined,
          closedFor: (_, endpoint) => (endpoint.host === "10.1.1.2" ? minute : 0)
        }
        const listen = new Endpoint({ host: "10.1.1.1", port: 5000 })
        const { decide, dials, want } = yield* Effect.provide(start({ listen }), Layer.succeed(BanGate, gate))
        decide((place) => (place === to(9) ? rejected({ reason: "owner", address: { host, port: 5000 } }) : "refuse"))
        yield* want(9)
        yield* pass("1 minute")
        assert.isAbove(dials.length, 2)
        assert.deepStrictEqual([...new Set(dials.map((dial) => dial.to))], [to(9)])
      })
    )
  }
})

describe("a peer that has moved", () => {
  seeded("is tried now and then where it says that it is, and stays at the address that works", () =>
    Effect.gen(function* () {
      const { book, decide, dials, want } = yield* start()
      yield* want(9)
      yield* book.learn(keyOf(9), endpointOf(8), "advertised")
      yield* pass("10 minutes")
      assert.deepStrictEqual(
        dials.slice(0, 7).map((dial) => dial.to),
        [9, 9, 8, 9, 9, 8, 9].map(to)
      )
      decide((place) => (place === to(8) ? lasting(hour) : "refuse"))
      yield* pass("5 minutes")
      assert.strictEqual(dials.at(-1)?.to, to(8))
    })
  )

  seeded("is not tried where this node is, or where it was refused for good", () =>
    Effect.gen(function* () {
      const own = yield* start({ listen: endpointOf(8) })
      yield* own.want(9)
      yield* own.book.learn(keyOf(9), endpointOf(8), "advertised")
      yield* pass("10 minutes")
      assert.lengthOf(of(own.dials, 8), 0)
      assert.isAbove(of(own.dials, 9).length, 15)
      const { book, decide, dials, want } = yield* start()
      decide((place) => (place === to(8) ? rejected({ reason: "network" }) : "refuse"))
      yield* want(9)
      yield* book.learn(keyOf(9), endpointOf(8), "advertised")
      yield* pass("1 hour")
      assert.isAtMost(of(dials, 8).length, 7)
    })
  )
})

describe("an address of this node itself", () => {
  seeded("is not dialled again once it has led back here, whoever is said to be there", () =>
    Effect.gen(function* () {
      const { book, decide, dials, supervisor, want, watch } = yield* start()
      decide((place) => (place === to(9) ? rejected({ reason: "self" }) : "refuse"))
      yield* want(9)
      yield* settle
      yield* book.want(keyOf(8), endpointOf(9))
      yield* supervisor.want(keyOf(8), "asked")
      yield* supervisor.poke(keyOf(9))
      yield* pass("10 hours")
      assert.strictEqual(dials.length, 1)
      assert.include((yield* watch(8))?.lastEnded?.detail, "is this node itself")
      // As soon as the peer is somewhere else it is dialled there.
      yield* book.want(keyOf(8), endpointOf(8))
      yield* pass("5 seconds")
      assert.deepStrictEqual(of(dials, 8).length, 1)
    })
  )

  seeded("is dialled again after a change of the network", () =>
    Effect.gen(function* () {
      const { decide, dials, supervisor, want } = yield* start()
      decide(() => rejected({ reason: "self" }))
      yield* want(9)
      yield* pass("11 minutes")
      assert.strictEqual(dials.length, 1)
      yield* supervisor.refresh
      yield* pass("10 seconds")
      assert.strictEqual(dials.length, 2)
    })
  )

  seeded("is never dialled if it is the one that this node announces, and nobody stays wanted for it", () =>
    Effect.gen(function* () {
      const { dials, supervisor, want } = yield* start({ listen: endpointOf(9) })
      yield* want(9, "learned")
      yield* pass("1 hour")
      assert.deepStrictEqual(dials, [])
      assert.deepStrictEqual(yield* supervisor.watches, [])
    })
  )
})

describe("whom this node keeps out", () => {
  seeded("is not dialled while that lasts", () =>
    Effect.gen(function* () {
      const closed = new Map<NodeKey, number>([
        [keyOf(8), 10 * minute],
        [keyOf(9), Number.POSITIVE_INFINITY]
      ])
      const clock = yield* Clock.Clock
      const gate = {
        keptOut: () => undefined,
        offended: () => undefined,
        closedFor: (peer: NodeKey) => Math.max(0, (closed.get(peer) ?? 0) - clock.currentTimeMillisUnsafe())
      }
      const { dials, want } = yield* Effect.provide(start(), Layer.succeed(BanGate, gate))
      for (const seed of [7, 8, 9]) yield* want(seed)
      yield* pass(10 * minute - 1)
      assert.deepStrictEqual([of(dials, 8), of(dials, 9)], [[], []])
      assert.isAbove(of(dials, 7).length, 5)
      yield* pass(1)
      assert.lengthOf(of(dials, 8), 1)
      yield* pass("1 day")
      assert.deepStrictEqual(of(dials, 9), [])
      closed.clear()
      yield* pass("1 minute")
      assert.isAtLeast(of(dials, 9).length, 1)
    })
  )
})

describe("after a change of the network", () => {
  seeded("whoever waits for the back-off alone is dialled soon, one after the other", () =>
    Effect.gen(function* () {
      const { decide, dials, supervisor, want } = yield* start()
      yield* want(7)
      yield* want(8)
      decide((place) =>
        place === to(7) ? rejected({ reason: "network" }) : place === to(8) ? leaving(hour) : "refuse"
      )
      for (const seed of seeds(40)) yield* want(seed)
      yield* pass("33 minutes")
      const before = dials.length
      decide(() => "hang")
      // A moment in which hardly anybody is about to be dialled anyway.
      yield* supervisor.refresh
      yield* settle
      assert.isAtMost(dials.length, before + 5)
      decide(() => lasting(hour))
      yield* pass("6 seconds")
      const dialled = new Set(dials.slice(before).map((dial) => dial.to))
      assert.isAtLeast(dialled.size, 38)
      assert.isFalse(dialled.has(to(7)) || dialled.has(to(8)))
    }).pipe(Random.withSeed("refresh"))
  )

  seeded("it does not take the longer the more peers are connected", () =>
    Effect.gen(function* () {
      const { dials, engaged, supervisor, want } = yield* start()
      for (const seed of seeds(100)) {
        engaged.add(keyOf(seed))
        yield* want(seed)
      }
      yield* want(9)
      yield* pass("1 hour")
      const before = dials.length
      yield* supervisor.refresh
      yield* pass(1_001)
      assert.isAbove(dials.length, before)
    }).pipe(Random.withSeed("few wait"))
  )

  seeded("that happens all the time nobody is dialled all the time", () =>
    Effect.gen(function* () {
      const { dials, supervisor, want } = yield* start()
      yield* want(9)
      yield* pass("1 hour")
      const before = dials.length
      for (let i = 0; i < 360; i++) {
        yield* supervisor.refresh
        yield* pass("10 seconds")
      }
      assert.isAbove(dials.length - before, 60)
      assert.isBelow(dials.length - before, 250)
    })
  )
})

describe("the operator's view", () => {
  seeded("says why a peer is wanted, how its dials went, when the next one is, and how the last one ended", () =>
    Effect.gen(function* () {
      const { engaged, supervisor, want, watch } = yield* start()
      yield* want(9)
      yield* supervisor.want(keyOf(9), "owed")
      yield* settle
      const seen = yield* watch(9)
      assert.deepStrictEqual(seen, {
        peer: keyOf(9),
        desires: ["asked", "owed"],
        opportunistic: false,
        breaker: "closed",
        failures: 1,
        nextDialInMillis: seen!.nextDialInMillis,
        lastEnded: nothing(ended("dial-failed", `could not connect to ${to(9)}: refused`)).ended
      })
      assert.isAtMost(seen!.nextDialInMillis!, 1_000)
      engaged.add(keyOf(9))
      assert.isUndefined((yield* watch(9))?.nextDialInMillis)
    })
  )
})
