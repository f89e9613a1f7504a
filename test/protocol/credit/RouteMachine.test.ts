import { assert, describe, it } from "@effect/vitest"
import type { Person } from "../../../src/protocol/credit/Chad.ts"
import type { Leg } from "../../../src/protocol/credit/LiftPlan.ts"
import { mostSteps, QueryId } from "../../../src/protocol/credit/Route.ts"
import type { Query, RouteStep } from "../../../src/protocol/credit/RouteEvent.ts"
import { step } from "../../../src/protocol/credit/RouteMachine.ts"
import { mostBranches } from "../../../src/protocol/credit/RouteOutlet.ts"
import { isSettled } from "../../../src/protocol/credit/RouteBranches.ts"
import type { RouteState } from "../../../src/protocol/credit/RouteState.ts"
import type { TallyHalf } from "../../../src/protocol/credit/TallyHalf.ts"
import { person, tallyId, uuid } from "../../support/credit/Halves.ts"
import { type Faults, options, RouteWorld } from "../../support/credit/RouteWorld.ts"
import { seeded } from "../../support/Malformed.ts"

/** A graph, or a long line with a few more tallies, of up to 12 nodes with 1 to 3 users each, none with more tallies than are asked over. */
const draw = (
  random: () => number,
  faults?: Faults
): { readonly world: RouteWorld; readonly people: Array<Person> } => {
  const upTo = (most: number): number => 1 + Math.floor(random() * most)
  const world = new RouteWorld(random, faults)
  const people: Array<Person> = []
  const isLine = random() < 0.3
  for (let node = 0, nodes = isLine ? 12 : upTo(12); node < nodes; node++)
    for (let user = upTo(3); user > 0; user--) people.push(person(`u${user}`, `node ${node}`))
  const tallies = isLine ? people.length + upTo(6) : Math.floor(people.length * (0.6 + 1.4 * random()))
  for (let n = 0; n < tallies; n++) {
    const stock = people[isLine && n < people.length - 1 ? n : upTo(people.length) - 1]!
    const foil = people[isLine && n < people.length - 1 ? n + 1 : upTo(people.length) - 1]!
    const isFull = [stock, foil].some((one) => world.halves(one).length >= mostBranches)
    if (stock === foil || isFull) continue
    const some = (): bigint => BigInt(Math.floor(random() * 40))
    const limits = { stock: some(), foil: some() + (isLine ? 20n : 0n) }
    // Foil may have heard of a bound that stock's node has not, or the other way round: but for a tally that closes a circle both are asked.
    const isBegun = people.indexOf(stock) === 0 || people.indexOf(foil) === 0
    const atFoil = random() < 0.1 && !isBegun ? { sets: { stock: { bound: some() } } } : {}
    world.draw({ id: tallyId(n), stock, foil, limits, net: !isLine && random() < 0.3 ? -limits.foil : 0n }, atFoil)
  }
  return { world, people }
}

/** A query between two users of a random graph, or in a circle, and how far it is. */
const search = (seed: number, faults?: Faults) => {
  const random = seeded(seed)
  const { people, world } = draw(random, faults)
  const origin = people[0]!
  const units = BigInt(1 + Math.floor(random() * 15))
  const closing =
    random() < 0.3 ? world.halves(origin).find((half) => world.distance(origin, half.partner!, 1n, half.id)) : undefined
  const back = closing && world.edges(closing.partner!).find(({ tally }) => tally === closing.id)
  const isCircle = closing !== undefined && back !== undefined && back.room >= units
  const find = isCircle ? closing.partner! : people.at(-1)!
  if (find === origin) return undefined
  const query = world.begin(origin, isCircle ? { closing } : { find }, units)
  const distance = world.distance(origin, find, units, isCircle ? closing.id : undefined)
  const isNear = distance !== undefined && distance <= mostSteps
  return { world, people, origin, query, units, isNear, end: isCircle ? origin : find, isCircle }
}
type Search = NonNullable<ReturnType<typeof search>>

const assertTrue = ({ end, origin, query, units, world }: Search): void => {
  for (const way of world.state(origin, query)?.ways ?? []) {
    const reached = world.follow(origin, way, units)
    assert.isUndefined(reached.fault)
    assert.deepStrictEqual(reached.end, { cuid: end.cuid, agent: end.agent })
  }
}

/** What `RouteMachine` states for one try: so many questions of the origin and of every other user, and no more answers. */
const assertBounded = ({ people, world }: Search, tries: number): void => {
  const { Found, None, Query } = world.sent
  assert.isTrue(Query <= tries * mostBranches * (1 + (mostSteps - 1) * (people.length - 1)), `${Query} questions`)
  // One that comes twice may be answered twice.
  if (!world.hasFaults) assert.isTrue(Found + None <= Query, `${Found + None} answers`)
}

describe("a query where nothing is lost", () => {
  it("finds a way if and only if there is one with room within the steps, in whatever order messages come", () => {
    const seen = { found: 0, none: 0, circles: 0, beyond: 0, most: 0 }
    for (let seed = 1; seed <= 800; seed++) {
      const one = search(seed)
      if (one === undefined) continue
      one.world.settle()
      const state = one.world.state(one.origin, one.query)
      assert.strictEqual(state?.status, one.isNear ? "found" : "none", `seed ${seed}`)
      // Each tally that was asked has answered, those behind the first way as well: whoever waits for another one need not.
      assert.isTrue(state !== undefined && isSettled(state), `seed ${seed} waits for more`)
      assert.deepStrictEqual(
        one.world.told.map(({ kind }) => kind),
        [one.isNear ? "route.found" : "route.none"]
      )
      assertTrue(one)
      assertBounded(one, 1)
      seen[one.isNear ? "found" : "none"]++
      if (one.isNear && one.isCircle) seen.circles++
      const far = one.world.distance(one.origin, one.end, one.units)
      if (far !== undefined && far > mostSteps) seen.beyond++
      seen.most = Math.max(seen.most, one.world.sent.Query / one.people.length)
    }
    assert.isTrue(seen.found > 150 && seen.none > 150 && seen.circles > 40 && seen.beyond > 5)
  })

  it("finds it as well where messages come twice, and at any time", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const one = search(seed, { loss: 0, doubles: 0.3 })
      if (one === undefined) continue
      one.world.settle()
      assert.strictEqual(one.world.state(one.origin, one.query)?.status, one.isNear ? "found" : "none", `seed ${seed}`)
      assertTrue(one)
    }
  })
})

describe("a query where people have more tallies than are asked over", () => {
  it("finds whom two of forty can pay, who have twenty tallies with room each", () => {
    for (let seed = 1; seed <= 6; seed++) {
      const random = seeded(seed)
      const world = new RouteWorld(random)
      const people = Array.from({ length: 40 }, (_, n) => person("u", `node ${n}`))
      const any = (from = 0): Person => people[from + Math.floor(random() * (people.length - from))]!
      const some = (): bigint => BigInt(5 + Math.floor(random() * 40))
      for (let n = 0; n < 400; n++) {
        const [stock, foil] = [any(), any()]
        if (stock !== foil) world.draw({ id: tallyId(n), stock, foil, limits: { stock: some(), foil: some() } })
      }
      const sought = person("u", "sought")
      for (let n = 400; n < 402; n++)
        world.draw({ id: tallyId(n), stock: any(1), foil: sought, limits: { stock: 0n, foil: 5n } })
      const query = world.begin(people[0]!, { find: sought }, 5n)
      world.settle()
      assert.strictEqual(world.state(people[0]!, query)?.status, "found", `seed ${seed}`)
      assertBounded(
        { world, people, origin: people[0]!, query, units: 5n, isNear: true, end: sought, isCircle: false },
        1
      )
    }
  })
})

describe("a query where messages are lost", () => {
  it("ends with none or a true way, and leaves nothing behind", () => {
    let found = 0
    let missed = 0
    for (let seed = 1; seed <= 300; seed++) {
      const one = search(seed, { loss: 0.2, doubles: 0.1 })
      if (one === undefined) continue
      const random = seeded(seed)
      const kinds = (): ReadonlyArray<string> => one.world.told.map(({ kind }) => kind)
      while (one.world.state(one.origin, one.query) !== undefined) {
        one.world.settle(random() < 0.3 ? 5 : 10_000)
        assertTrue(one)
        assert.isTrue(one.world.tick())
      }
      assert.isTrue(["route.found", "route.none", "route.none route.found"].includes(kinds().join(" ")), `seed ${seed}`)
      if (!one.isNear) assert.deepStrictEqual(kinds(), ["route.none"])
      else if (kinds().includes("route.found")) found++
      else missed++
      assertBounded(one, options.tries)
      one.world.settle()
      while (one.world.tick());
      assert.lengthOf(one.world.states, 0)
    }
    assert.isTrue(found > 50 && missed > 0)
  })
})

describe("one user's node", () => {
  const at = (name: string): Person => person(name, `node of ${name}`)
  const [ann, bob, cyd] = [at("ann"), at("bob"), at("cyd")]
  const limits = { stock: 0n, foil: 50n }

  /** Ann, whose value can go to Bob, and from him to Cyd; the tallies are 1 and 2, and may be more. */
  const line = (more = 0) => {
    const world = new RouteWorld(seeded(1))
    world.draw({ id: tallyId(1), stock: ann, foil: bob, limits })
    world.draw({ id: tallyId(2), stock: bob, foil: cyd, limits })
    for (let n = 0; n < more; n++)
      world.draw({
        id: tallyId(10 + n),
        stock: bob,
        foil: at(`friend${n}`),
        limits: { stock: 0n, foil: 100n + BigInt(n) }
      })
    return world
  }
  const halfOf = (world: RouteWorld, who: Person, n: number): TallyHalf =>
    world.halves(who).find(({ id }) => id === tallyId(n))!
  const message = {
    _tag: "Query" as const,
    query: QueryId.make(uuid(2, 1)),
    find: cyd,
    units: 5n,
    step: 1,
    expires: 2_000,
    tally: tallyId(1),
    by: "stock" as const
  }
  /** Bob's node is asked by Ann's. */
  const asked = (world: RouteWorld, changed: Partial<Query> = {}, state?: RouteState) =>
    step(
      state,
      {
        _tag: "Query",
        self: bob,
        now: 1_500,
        from: ann.agent,
        half: halfOf(world, bob, 1),
        halves: world.halves(bob),
        message,
        ...changed
      },
      options
    )
  const kindsOf = (stepped: RouteStep): ReadonlyArray<string> =>
    stepped._tag === "Unfit"
      ? [stepped.reason]
      : stepped.actions.map((action) => (action._tag === "Send" ? action.message._tag : action.kind))

  it("asks no more than ten tallies, first of all the one with whom is sought", () => {
    const stepped = asked(line(20))
    assert.lengthOf(kindsOf(stepped), mostBranches)
    const [first, second] = stepped._tag === "Stepped" ? stepped.actions : []
    assert.strictEqual(first?._tag === "Send" && first.to, cyd.agent)
    assert.strictEqual(second?._tag === "Send" && second.to, at("friend19").agent)
  })

  it("is asked by nobody but the node at the other end of an open tally, for the half that it is about", () => {
    const world = line()
    assert.deepStrictEqual(kindsOf(asked(world)), ["Query"])
    for (const wrong of [
      { from: cyd.agent },
      { half: undefined },
      { half: halfOf(world, bob, 2) },
      { half: { ...halfOf(world, bob, 1), status: "closed" as const } },
      { message: { ...message, by: "foil" as const } }
    ])
      assert.deepStrictEqual(kindsOf(asked(world, wrong)), ["not-a-partner"])
  })

  it("refuses a query, and keeps nothing, where the time is over or too far off by its clock", () => {
    const world = line()
    assert.deepStrictEqual(kindsOf(asked(world, { now: 2_000 })), ["too-late"])
    const later = { ...message, expires: 1_501 + options.mostWait }
    assert.deepStrictEqual(kindsOf(asked(world, { message: later })), ["too-long"])
  })

  it("says at once that there is no way, and keeps nothing, where there is no step or room left", () => {
    const world = line()
    const none = (changed: Partial<Query>): void => {
      const stepped = asked(world, changed)
      assert.deepStrictEqual(kindsOf(stepped), ["None"])
      assert.isUndefined(stepped._tag === "Stepped" ? stepped.state : null)
    }
    none({ message: { ...message, step: mostSteps } })
    none({ message: { ...message, units: 51n } })
    none({ halves: [halfOf(world, bob, 1)] })
  })

  it("waits for an answer until the time is over, and then says that there is none", () => {
    const first = asked(line())
    if (first._tag === "Unfit" || first.state === undefined) return assert.fail("nothing is kept")
    const look = { _tag: "Look" as const, self: bob, halves: [] }
    assert.deepStrictEqual(kindsOf(step(first.state, { ...look, now: 1_999 })), ["too-early"])
    const over = step(first.state, { ...look, now: 2_000 })
    assert.deepStrictEqual(kindsOf(over), ["None"])
    assert.isUndefined(over._tag === "Stepped" ? over.state : null)
  })

  it("believes no answer that is no way to whom is sought: not joined, in a circle, elsewhere, or from somebody else", () => {
    const world = line()
    const first = asked(world)
    if (first._tag === "Unfit" || first.state === undefined) return assert.fail("nothing is kept")
    const { state } = first
    const leg = { tally: tallyId(2), from: bob.agent, to: cyd.agent, by: "stock" as const }
    const found = (legs: ReadonlyArray<Leg>, from = cyd.agent): ReadonlyArray<string> => {
      const reply = { _tag: "Found" as const, query: message.query, tally: tallyId(2), way: { legs, room: 9n } }
      return kindsOf(
        step(
          state,
          { _tag: "Found", self: bob, now: 1_600, from, half: halfOf(world, bob, 2), message: reply },
          options
        )
      )
    }
    assert.deepStrictEqual(found([leg]), ["Found"])
    assert.deepStrictEqual(found([leg], ann.agent), ["not-a-partner"])
    for (const legs of [
      [leg, { ...leg, tally: tallyId(3) }],
      [leg, { ...leg, from: cyd.agent, to: ann.agent, tally: tallyId(3) }],
      [leg, { ...leg, from: cyd.agent }],
      [leg, { tally: tallyId(1), from: cyd.agent, to: cyd.agent, by: "foil" as const }]
    ])
      assert.deepStrictEqual(found(legs), ["not-a-way"])
    assert.strictEqual(
      kindsOf(
        step(
          state,
          {
            _tag: "Found",
            self: bob,
            now: 1_600,
            from: cyd.agent,
            half: halfOf(world, bob, 2),
            message: { _tag: "Found", query: message.query, tally: tallyId(2), way: { legs: [leg], room: 4n } }
          },
          options
        )
      ).join(),
      "None"
    )
  })
})

describe("who has begun a query", () => {
  const [ann, bob] = [person("ann", "a"), person("bob", "b")]
  const limits = { stock: 10n, foil: 10n }

  it("asks again, ever later, while nobody answers, and is told in the end that it is not sure that there is none", () => {
    const world = new RouteWorld(seeded(1), { loss: 1, doubles: 0 })
    world.draw({ id: tallyId(1), stock: ann, foil: bob, limits })
    const query = world.begin(ann, { find: bob }, 5n)
    const asked: Array<number> = [world.now]
    let before = world.sent.Query
    while (world.told.length === 0 && world.tick()) {
      world.settle()
      if (world.sent.Query > before) asked.push(world.now)
      before = world.sent.Query
    }
    const { tries, wait } = options
    assert.lengthOf(asked, tries)
    assert.deepStrictEqual(
      asked.slice(1).map((at, n) => at - asked[n]! - wait),
      [100, 200, 400, 800]
    )
    assert.deepStrictEqual(
      world.told.map(({ body, kind }) => [kind, body["isSure"]]),
      [["route.none", false]]
    )
    assert.isDefined(world.state(ann, query))
    world.tick()
    assert.isUndefined(world.state(ann, query))
  })

  it("keeps what was found for its time, all ways over different tallies, and is told of the first", () => {
    const world = new RouteWorld(seeded(1))
    world.draw({ id: tallyId(1), stock: ann, foil: bob, limits })
    world.draw({ id: tallyId(2), stock: bob, foil: ann, limits })
    const query = world.begin(ann, { find: bob }, 5n)
    world.settle()
    const state = world.state(ann, query)
    assert.lengthOf(state?.ways ?? [], 2)
    assert.strictEqual(state?.wakeAt, world.now + options.keep)
    assert.deepStrictEqual(
      world.told.map(({ kind, user }) => `${user} ${kind}`),
      ["ann route.found"]
    )
    world.tick()
    assert.isUndefined(world.state(ann, query))
  })

  it("goes in a circle over two tallies at least, and not to themselves otherwise", () => {
    const world = new RouteWorld(seeded(1))
    world.draw({ id: tallyId(1), stock: ann, foil: bob, limits })
    const alone = world.begin(ann, { closing: world.halves(ann)[0]! }, 5n)
    world.settle()
    assert.strictEqual(world.state(ann, alone)?.status, "none")
    world.draw({ id: tallyId(2), stock: bob, foil: ann, limits })
    const query = world.begin(ann, { closing: world.halves(ann)[0]! }, 5n)
    world.settle()
    const legs = world.state(ann, query)?.ways[0]?.legs ?? []
    assert.deepStrictEqual(
      legs.map(({ by, tally }) => [tally, by]),
      [
        [tallyId(2), "foil"],
        [tallyId(1), "foil"]
      ]
    )
    assert.throws(() => world.begin(ann, { find: ann }, 5n), /needs a tally/)
    assert.throws(() => world.begin(ann, { closing: world.halves(ann)[0]! }, 11n), /Not so much/)
  })
})
