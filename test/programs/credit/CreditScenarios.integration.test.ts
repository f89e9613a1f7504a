/**
 * Scenarios of credit (docs/credit.md) that need real processes and real PostgreSQL: three nodes that are killed, whose lines are cut, and whose
 * databases fail. The names of the tests begin with those of the scenarios. They share the nodes, and each leaves them running and joined.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { afterAll, beforeAll } from "vitest"
import type { LiftId } from "../../../src/protocol/credit/LiftPlan.ts"
import type { TallyId } from "../../../src/protocol/credit/TallyDocument.ts"
import { type CreditHome, offerTally, openTally } from "../../support/credit/CreditNodes.ts"
import * as Town from "../../support/credit/CreditTown.ts"

/** Ends what hangs; a busy machine never reaches it. */
const patience = 900_000
const limit = 1_000_000n

const scope = Effect.runSync(Scope.make())
let town: Town.CreditTown
/** Alice may owe bob, and bob carol, and the other way round. */
let near: TallyId
let far: TallyId

beforeAll(async () => {
  town = await Effect.runPromise(Scope.provide(Town.make, scope))
  near = await openTally(town.bob, town.alice, limit)
  far = await openTally(town.carol, town.bob, limit)
}, patience)

afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)), patience)

/** Nothing passes between two until the returned function is called. */
const cut = (from: CreditHome, to: CreditHome, how?: Town.Cut, oneWay?: boolean) =>
  Effect.runPromise(Scope.provide(Effect.orDie(town.cut(from, to, how, oneWay)), scope))

const placesOf = async (home: CreditHome, tally: TallyId): Promise<number> =>
  (await home.half(tally))?.chain?.at.index ?? 0

/** Once both ends have so many chits more than before: they have one order and one balance, and the audit finds nothing. */
const agree = async (tally: TallyId, ends: readonly [CreditHome, CreditHome], count: number): Promise<void> => {
  for (const home of ends) await home.untilSettled(tally, count)
  const [one, other] = await Promise.all(ends.map((home) => home.half(tally)))
  assert.strictEqual(one?.chain?.at.index, count)
  assert.deepStrictEqual(one?.chain?.at, other?.chain?.at)
  assert.deepStrictEqual(one?.sums, other?.sums)
  for (const home of ends) assert.deepStrictEqual(await home.end.call("audit", undefined), [], home.user)
}

const pay = (home: CreditHome, tally: TallyId, units: bigint) => home.made("chit", { _tag: "Pay", tally, units })

const stands = async (home: CreditHome, lift: LiftId) => (await home.end.call("liftOf", lift))?.status ?? "absent"

const until = (home: CreditHome, lift: LiftId, status: "promised" | "good") =>
  home.end.call("untilLift", { lift, status })

/** A lift from alice to carol over bob, planned over a way that was found before, and decided by these. */
const plan = async (referees: ReadonlyArray<CreditHome>, units: bigint) => {
  const { alice, carol } = town
  const wanted = { user: alice.user, to: carol.person, units }
  const legs = await alice.end.call("way", wanted)
  const deciding = referees.map(({ address: { host, key, port } }) => ({ key, host, port }))
  return () => alice.end.call("lift", { ...wanted, legs, referees: deciding, life: 3_600_000 })
}

describe("between two nodes", () => {
  it("S6: an acceptance that was lost arrives when the line is back, over a kill of who has accepted", async () => {
    const { alice, bob } = town
    const { tally, revision } = await offerTally(alice, bob, limit)
    const heal = await cut(alice, bob, "lost")
    await bob.does({ _tag: "AcceptTally", tally, revision })
    assert.strictEqual((await bob.half(tally))?.status, "open")
    assert.strictEqual((await alice.half(tally))?.status, "offered")
    await bob.kill()
    await heal()
    await bob.open()
    for (const { end, user } of [alice, bob]) await end.call("untilHalf", { user, tally, status: "open" })
    await bob.end.call("untilDelivered", undefined)
    await agree(tally, [alice, bob], 0)
    assert.isUndefined((await bob.half(tally))?.wish)
  })

  it("S11: what was asked for while the other node was stopped is sent when both have been started again", async () => {
    const { alice, bob } = town
    const before = await placesOf(alice, near)
    await bob.stop()
    await pay(alice, near, 11n)
    const invoice = await alice.made("chit", { _tag: "Ask", tally: near, units: 5n })
    await alice.does({ _tag: "SetTally", tally: near, sets: { target: 10n } })
    await alice.stop()
    await alice.open()
    await bob.open()
    await agree(near, [bob, alice], before + 2)
    const told = await bob.end.call("untilTold", { user: bob.user, kind: "chit.asked", count: 1 })
    assert.lengthOf(
      told.filter(({ kind }) => kind === "chit.asked"),
      1
    )
    await bob.does({ _tag: "PayInvoice", tally: near, chit: invoice })
    await agree(near, [bob, alice], before + 3)
  })

  it("S12: a payment whose node was killed after its commit and before anything was sent arrives once", async () => {
    const { alice, bob } = town
    const before = await placesOf(alice, near)
    const heal = await cut(alice, bob, "lost")
    await pay(alice, near, 12n)
    await alice.kill()
    assert.strictEqual(await placesOf(bob, near), before)
    await heal()
    await alice.open()
    await agree(near, [bob, alice], before + 1)
  })

  it("S13: a payment that has arrived, and whose sender was killed before it knew, is sent again and counts once", async () => {
    const { alice, bob } = town
    const before = await placesOf(alice, near)
    const net = (await bob.half(near))?.sums.net ?? 0n
    // What bob's node answers does not come back.
    const heal = await cut(bob, alice, "lost", true)
    await pay(alice, near, 13n)
    await bob.end.call("untilPlaced", { user: bob.user, tally: near, count: before + 1 })
    assert.isAbove(await alice.end.call("owed", undefined), 0)
    await alice.kill()
    await heal()
    await alice.open()
    await agree(near, [bob, alice], before + 1)
    assert.strictEqual((await bob.half(near))?.sums.net, net + 13n)
  })

  it("S14: a node whose database was restarted does what its user has asked for meanwhile, and hears what was sent", async () => {
    const { alice, bob, own } = town
    const before = await placesOf(alice, near)
    await own.halt("immediate")
    const insisting = alice.insists({ _tag: "Pay", tally: near, units: 14n }, "S14")
    await pay(bob, near, 3n)
    await own.resume()
    const paid = await insisting
    await agree(near, [bob, alice], before + 2)
    assert.deepStrictEqual(await alice.insists({ _tag: "Pay", tally: near, units: 14n }, "S14"), paid)
    assert.strictEqual(await placesOf(alice, near), before + 2)
  })

  it("S15: of two processes of one node, under one key, the second goes on with a burst of work when the first is killed", async () => {
    const { alice, bob } = town
    const before = await placesOf(bob, near)
    const net = (await bob.half(near))?.sums.net ?? 0n
    const { owns } = await alice.standBy()
    const heal = await cut(alice, bob)
    const paying = { user: alice.user, tally: near, units: 1n, inFlight: 16 }
    await alice.end.call("pay", { ...paying, count: 40 })
    await heal()
    await bob.end.call("untilPlaced", { user: bob.user, tally: near, count: before + 1 })
    await alice.kill()
    await owns
    alice.succeed()
    await alice.end.call("pay", { ...paying, count: 10 })
    await agree(near, [bob, alice], before + 50)
    assert.strictEqual((await bob.half(near))?.sums.net, net + 50n)
  })

  it("S16: a user who was away gets what has come meanwhile, each event once and in order, and what waits for them", async () => {
    const { alice, bob } = town
    const before = await placesOf(bob, near)
    const after = (await bob.end.call("events", { user: bob.user })).at(-1)?.cursor
    assert.isDefined(after)
    await alice.made("chit", { _tag: "Ask", tally: near, units: 16n })
    await pay(alice, near, 17n)
    const { tally, revision } = await offerTally(alice, bob, limit)
    await agree(near, [bob, alice], before + 1)
    await bob.kill()
    await bob.open()
    const missed = await bob.end.call("events", { user: bob.user, after })
    const ofCredit = missed.filter(({ protocol }) => protocol === "credit").map(({ kind }) => kind)
    assert.deepStrictEqual(ofCredit, ["chit.asked", "chit.good", "ticket.granted", "tally.received"])
    assert.strictEqual(new Set(missed.map(({ cursor }) => cursor)).size, missed.length)
    const all = await bob.end.call("events", { user: bob.user })
    assert.deepStrictEqual(all.slice(-missed.length), missed)
    const waits = await bob.end.call("attention", bob.user)
    assert.includeMembers([...waits], ["chit.asked", "tally.received"])
    await bob.does({ _tag: "RefuseTally", tally, revision })
  })

  it("S18: a single payment that was written to a line that lost it arrives without another one", async () => {
    const { alice, bob } = town
    const before = await placesOf(bob, near)
    const heal = await cut(alice, bob, "lost")
    await pay(alice, near, 18n)
    await heal()
    await agree(near, [bob, alice], before + 1)
  })

  it("S22: two that were lost each way, and then one more, are five in one order", async () => {
    const { alice, bob } = town
    const before = await placesOf(bob, near)
    const heal = await cut(alice, bob, "lost")
    for (const home of [alice, bob]) for (const units of [1n, 2n]) await pay(home, near, units)
    await heal()
    await pay(alice, near, 3n)
    await agree(near, [bob, alice], before + 5)
  })

  it("S30: a hundred each way, while the line was cut and both nodes were killed, have one order", async () => {
    const { alice, bob } = town
    const before = await placesOf(bob, near)
    const heal = await cut(alice, bob, "lost")
    for (const { end, user } of [alice, bob]) {
      await end.call("pay", { user, tally: near, units: 1n, count: 100, inFlight: 16 })
    }
    await Promise.all([alice.kill(), bob.kill()])
    await Promise.all([alice.open(), bob.open()])
    await heal()
    await agree(near, [bob, alice], before + 200)
  })
})

describe("over three nodes", () => {
  it("S34: a relay that was killed after its promise and before it passed it on does so afterwards", async () => {
    const { alice, bob, carol } = town
    const begin = await plan([alice], 34n)
    const heal = await cut(bob, carol, "lost")
    const lift = await begin()
    await until(bob, lift, "promised")
    await bob.kill()
    await bob.open()
    assert.strictEqual(await stands(bob, lift), "promised")
    assert.strictEqual(await stands(carol, lift), "absent")
    await heal()
    for (const home of [alice, bob, carol]) await until(home, lift, "good")
  })

  it("S35: after a split the side of most referees ends a lift, and the other one waits and then ends it alike", async () => {
    const { alice, bob, carol } = town
    const begin = await plan([alice, bob, carol], 35n)
    const healFar = await cut(bob, carol, "lost")
    const lift = await begin()
    for (const home of [alice, bob]) await until(home, lift, "promised")
    const heals = [await cut(alice, bob, "lost"), await cut(alice, carol, "lost")]
    await healFar()
    for (const home of [bob, carol]) await until(home, lift, "good")
    assert.strictEqual(await stands(alice, lift), "promised")
    for (const heal of heals) await heal()
    await until(alice, lift, "good")
  })

  it("S36: when who has begun and decided a lift dies, the others have the record from each other", async () => {
    const { alice, bob, carol } = town
    const begin = await plan([alice], 36n)
    const heal = await cut(alice, carol, "lost")
    const lift = await begin()
    for (const home of [alice, bob, carol]) await until(home, lift, "promised")
    const healFar = await cut(bob, carol, "lost")
    await heal()
    await until(carol, lift, "good")
    await alice.kill()
    assert.strictEqual(await stands(bob, lift), "promised")
    await healFar()
    await until(bob, lift, "good")
    await alice.open()
    await until(alice, lift, "good")
    await agree(far, [carol, bob], await placesOf(bob, far))
    for (const home of [alice, bob, carol]) assert.deepStrictEqual(await home.end.call("audit", undefined), [])
  })
})
