import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Random, Scope } from "effect"
import { MemoryDatabase } from "../../src/layers/MemoryDatabase.ts"
import {
  type FiringSite,
  firing as firingSites,
  passing as passingSites,
  type Points
} from "../../src/services/Buggify.ts"
import { Rejected } from "../../src/services/delivery/Protocol.ts"
import { MemoryNetwork } from "../../src/testing/TransportMemory.ts"
import { Rng } from "../../src/testing/world/Rng.ts"
import { arbiter, follower } from "../support/LinkNode.ts"
import { delaying, firing } from "../support/Points.ts"
import { pass } from "../support/VirtualTime.ts"
import * as WholeNode from "../support/WholeNode.ts"

/** Every fifth note is refused, every seventh is for later, once. */
const isRefused = ({ n }: WholeNode.Note): boolean => n % 5 === 3
const decide: WholeNode.Decide = (note, times) => {
  if (isRefused(note)) return Effect.fail(Rejected.refused("fifth"))
  return note.n % 7 === 4 && times === 1 ? Effect.fail(Rejected.later("2 seconds")) : Effect.void
}

const [rounds, lanes] = [4, ["x", "y"]]
const perRound = 4
const numbers = Array.from({ length: rounds * perRound }, (_, n) => n)
/** What becomes of the notes of a lane, in order. */
const expected = (lane: string) => {
  const notes = numbers.map((n) => ({ lane, n }))
  return {
    handled: notes.filter((note) => !isRefused(note)).map(({ n }) => `${lane} ${n}`),
    outcomes: notes.map((note) => `${lane} ${note.n} ${isRefused(note) ? "Refused" : "Ok"}`)
  }
}
const ofLane = (kinds: ReadonlyArray<string>, lane: string) => kinds.filter((kind) => kind.startsWith(`${lane} `))

/** A node that can be stopped and started again on its database. */
const machine = Effect.fnUntraced(function* (network: MemoryNetwork, seed: number, points: Points) {
  const database = yield* MemoryDatabase.make
  const seen: Array<string> = []
  const live = Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const node = yield* Scope.provide(WholeNode.start({ network, seed, database, points, decide }), scope)
    return { node, scope }
  })
  let { node, scope } = yield* live
  const following = yield* Effect.forkScoped(node.follow(seen))
  /** A stop takes time: a word is said, and a handler may be slow to end. */
  const stop = Effect.gen(function* () {
    yield* Fiber.interrupt(following)
    const stopping = yield* Effect.forkChild(Scope.close(scope, Exit.void))
    while (stopping.pollUnsafe() === undefined) yield* pass("1 second")
  })
  return {
    node: () => node,
    seen,
    stop,
    restart: Effect.gen(function* () {
      yield* stop
      ;({ node, scope } = yield* live)
    })
  }
})

/** Two nodes that send each other notes, whose connections break, and of which one restarts. */
const exchange = Effect.fnUntraced(function* (points: Points) {
  const network = new MemoryNetwork()
  const low = yield* machine(network, arbiter, points)
  const high = yield* machine(network, follower, points)
  const meet = Effect.andThen(low.node().connect(high.node().address), high.node().connect(low.node().address))
  const sending = (from: WholeNode.WholeNode, to: WholeNode.WholeNode, round: number) =>
    Effect.forEach(
      lanes.flatMap((lane) =>
        numbers.slice(round * perRound, (round + 1) * perRound).map((n) => from.send(to.key, { lane, n }))
      ),
      (send) => Effect.forkChild(send)
    )
  yield* meet
  for (let round = 0; round < rounds; round++) {
    const [a, b] = [low.node(), high.node()]
    const sent = [...(yield* sending(a, b, round)), ...(yield* sending(b, a, round))]
    yield* pass("10 seconds")
    yield* Fiber.joinAll(sent)
    for (const link of network.links) link.reset()
    if (round === 2) {
      yield* high.restart
      yield* high.node().connect(low.node().address)
    }
    yield* pass("10 seconds")
  }
  const owed = Effect.suspend(() => Effect.zipWith(low.node().owed, high.node().owed, (a, b) => a + b))
  for (let minute = 0; minute < 60 && (yield* owed) > 0; minute++) yield* pass("1 minute")
  yield* pass("10 seconds")
  assert.strictEqual(yield* owed, 0)
  for (const { node, seen } of [low, high]) {
    const [handled, outcomes] = [yield* node().handled, yield* node().outcomes]
    for (const lane of lanes) {
      assert.deepStrictEqual(ofLane(handled, lane), expected(lane).handled)
      assert.deepStrictEqual(ofLane(outcomes, lane), expected(lane).outcomes)
    }
    assert.deepStrictEqual(seen, handled.slice(0, seen.length))
  }
  assert.deepStrictEqual(low.seen.length, (yield* low.node().handled).length)
  yield* low.stop
  yield* high.stop
}, Effect.scoped)

/** With these at every pass nothing could ever be done; with the others something is always odd. */
const sparing: ReadonlySet<FiringSite> = new Set([
  "link.dial-given-up",
  "link.accepted-and-dropped",
  "link.refused-as-busy",
  "link.redialled-at-once"
])

describe("two nodes deliver every message exactly once, in order, and learn what became of it", () => {
  it.effect("where nothing odd happens", () => exchange({ fires: () => false, pass: () => Effect.void }))

  for (const seed of [1, 2, 3]) {
    it.effect(`where every site is odd at a quarter of its passes, by seed ${seed}`, () => {
      const rng = new Rng(seed, "points")
      const odd = () => rng.below(4) === 0
      const late = Effect.suspend(() => (odd() ? Effect.sleep(rng.below(500)) : Effect.void))
      return exchange({ fires: odd, pass: () => late }).pipe(Random.withSeed(seed))
    })
  }

  for (const site of firingSites) {
    const often = sparing.has(site) ? "every third time" : "every time"
    it.effect(`where ${site} fires ${often}`, () =>
      Effect.gen(function* () {
        const { passes, points } = firing(site, (nth) => !sparing.has(site) || nth % 3 === 1)
        yield* exchange(points)
        assert.isAbove(passes(), 0)
      }).pipe(Random.withSeed(site))
    )
  }

  for (const site of passingSites) {
    it.effect(`where ${site} takes a second every time`, () =>
      Effect.gen(function* () {
        const { passes, points } = delaying(site, 1_000)
        yield* exchange(points)
        assert.isAbove(passes(), 0)
      }).pipe(Random.withSeed(site))
    )
  }
})
