import { assert, describe, it } from "@effect/vitest"
import * as LiftPlan from "../../../src/protocol/credit/LiftPlan.ts"
import { isValid, type LiftRecord, promise, vote } from "../../../src/protocol/credit/LiftRecord.ts"
import { date, expires, keyOf, siteOf } from "../../support/lift/LiftLab.ts"
import { LiftNetwork } from "../../support/lift/LiftNetwork.ts"

const five = { way: ["A", "B", "C", "D", "E"], referees: ["R"] }
const three = { way: ["A", "B", "C"], referees: ["R", "S", "T"] }
const times = <A>(count: number, one: A): ReadonlyArray<A> => Array<A>(count).fill(one)

/** A record as dishonest referees would make it. */
const recordBy = (
  { plan, lifts }: LiftNetwork,
  verdict: "good" | "void",
  referees: ReadonlyArray<string>
): LiftRecord => {
  const digest = LiftPlan.digest(plan)
  const ballot = verdict === "good" ? { round: 0 } : { round: 7, by: keyOf("A") }
  return {
    plan,
    authority: lifts.get("A")!.authority,
    verdict,
    ballot,
    votes: referees.map((name) => vote(digest, ballot, verdict, keyOf(name), siteOf(name).sign)),
    promises: verdict === "good" ? ["A", "B", "C"].map((name) => promise(digest, keyOf(name), siteOf(name).sign)) : []
  }
}

describe("a lift over several nodes", () => {
  it("is good everywhere, and every end is reserved once and settled once", () => {
    const world = new LiftNetwork(five).begin().settle()
    assert.deepStrictEqual(world.statuses, times(5, "good"))
    assert.strictEqual(world.booked.filter((line) => line.startsWith("reserve")).length, 8)
    assert.strictEqual(world.booked.filter((line) => line.startsWith("settle")).length, 8)
    assert.strictEqual(new Set(world.booked).size, 16)
    assert.isTrue(isValid(world.lifts.get("C")!.record!))
    assert.deepStrictEqual(world.told.map(({ kind, user }) => `${kind} ${user}`).sort(), [
      "lift.begun payor",
      "lift.good payee",
      "lift.good payor"
    ])
    assert.strictEqual(world.wait(10_000_000).sent("Prepare").length, 0)
  })

  it("is void everywhere if a node has no room, long before it expires (S39)", () => {
    const world = new LiftNetwork(five)
    world.full.add("D")
    world.begin().settle()
    assert.deepStrictEqual(world.statuses, ["void", "void", "void", "void", "-"])
    assert.strictEqual(world.reserved, 0)
    assert.strictEqual(world.now, date)
  })

  it("is void everywhere, long before it expires, if its only referee does not decide on it", () => {
    const world = new LiftNetwork(five)
    world.declining.add("R")
    world.begin().settle()
    assert.deepStrictEqual(world.statuses, times(5, "void"))
    assert.strictEqual(world.reserved, 0)
    assert.strictEqual(world.now, date)
    assert.isTrue(isValid(world.lifts.get("A")!.record!))
  })

  it("is good if one of three referees does not decide on it, and void in time if none does", () => {
    const one = new LiftNetwork(three)
    one.declining.add("S")
    assert.deepStrictEqual(one.begin().settle().statuses, times(3, "good"))
    const none = new LiftNetwork(three)
    for (const name of ["R", "S", "T"]) none.declining.add(name)
    assert.deepStrictEqual(none.begin().settle().statuses, times(3, "promised"))
    assert.deepStrictEqual(none.wait(expires - date + 60_000).statuses, times(3, "void"))
    assert.strictEqual(none.reserved, 0)
  })

  it("is void if the payor takes it back before everybody has promised", () => {
    const world = new LiftNetwork(five)
    world.away.add("D")
    world.begin().settle()
    world.lift("A", { _tag: "Abort", now: world.now, random: 0 })
    world.settle()
    assert.deepStrictEqual(world.statuses, ["void", "void", "void", "-", "-"])
    assert.isBelow(world.now, expires)
  })

  it("is void soon, and not only when it expires, where the time is over by the clock of its referee", () => {
    const world = new LiftNetwork(five)
    world.ahead.set("R", 600_000)
    world.begin().settle()
    assert.deepStrictEqual(world.statuses, times(5, "promised"))
    world.wait(10_000)
    assert.deepStrictEqual(world.statuses, times(5, "void"))
    assert.strictEqual(world.reserved, 0)
  })

  it("is good where the time is over by the clocks of one or two of three referees", () => {
    const one = new LiftNetwork(three)
    one.ahead.set("S", 600_000)
    one.begin().settle().wait(10_000)
    assert.deepStrictEqual(one.statuses, times(3, "good"))
    const two = new LiftNetwork(three)
    for (const name of ["S", "T"]) two.ahead.set(name, 600_000)
    two.begin().settle().wait(10_000)
    // By the vote of the third one, which the next ballot goes on with.
    assert.deepStrictEqual(two.statuses, times(3, "good"))
    const slow = new LiftNetwork(three)
    slow.ahead.set("S", 600_000)
    for (const name of ["R", "T"]) slow.away.add(name)
    slow.begin().settle().wait(10_000)
    assert.lengthOf(slow.sent("Prepare"), 0)
    slow.away.clear()
    slow.settle()
    assert.deepStrictEqual(slow.statuses, times(3, "good"))
  })

  it("is released everywhere when a node never answers, and its late promise creates nothing (S33)", () => {
    const world = new LiftNetwork(five)
    world.away.add("D")
    world.begin().settle().wait(130_000)
    assert.deepStrictEqual(world.statuses, ["void", "void", "void", "-", "-"])
    assert.strictEqual(world.reserved, 0)
    world.away.clear()
    world.settle()
    assert.strictEqual(world.lifts.get("D")?.status, "void")
    assert.deepStrictEqual(
      world.booked.filter((line) => line.includes(" D ") || line.includes(" E ")),
      []
    )
    const [late] = world.sent("Promise", "C")
    world.take(late!)
    assert.strictEqual(world.lifts.get("C")?.status, "void")
  })

  it("remembers what a relay has promised that died before it passed it on (S34)", () => {
    const world = new LiftNetwork(five).begin()
    world.away.add("C")
    world.settle()
    // It dies with its promise stored, and comes back after the others have learnt the verdict.
    world.away.delete("C")
    world.away.add("D")
    world.settle()
    world.away.add("C")
    world.wait(200_000)
    assert.deepStrictEqual(world.statuses, ["void", "void", "promised", "-", "-"])
    world.away.delete("C")
    world.settle().wait(400_000)
    assert.deepStrictEqual(world.statuses.slice(0, 3), times(3, "void"))
    assert.strictEqual(world.reserved, 0)
  })

  it("waits on the side without a majority of the referees, and ends there as on the other side (S35)", () => {
    const world = new LiftNetwork(three)
    world.away.add("R").add("S").add("T")
    world.begin().settle()
    assert.deepStrictEqual(world.statuses, times(3, "promised"))
    // The payee's node reaches two referees; the other nodes reach the third.
    for (const name of ["R", "S"]) world.away.delete(name)
    world.away.add("A").add("B")
    world.settle()
    assert.deepStrictEqual(world.statuses, ["promised", "promised", "good"])
    const decided = world.lifts.get("C")!.record!
    for (const name of ["A", "B", "T"]) world.away.delete(name)
    for (const name of ["C", "R", "S"]) world.away.add(name)
    world.settle().wait(3_600_000)
    assert.deepStrictEqual(world.statuses, ["promised", "promised", "good"])
    world.away.clear()
    world.settle()
    assert.deepStrictEqual(world.statuses, times(3, "good"))
    assert.strictEqual(world.lifts.get("A")?.record?.verdict, decided.verdict)
  })

  it("tells everybody the verdict though who has asked for it is gone for good (S36)", () => {
    const world = new LiftNetwork({ way: ["A", "B", "C"], referees: ["R"] })
    world.away.add("R")
    world.begin().settle()
    world.away.delete("R")
    // The referee votes, and whoever has asked never hears of it.
    world.take(world.sent("Decide", "R")[0]!)
    world.away.add("C")
    world.wait(200_000)
    assert.deepStrictEqual(world.statuses, ["good", "good", "promised"])
    assert.isTrue(isValid(world.lifts.get("A")!.record!))
  })

  it("stays pending, reserved and known to the operator while no referee is there (S37)", () => {
    const world = new LiftNetwork(three)
    for (const name of three.referees) world.away.add(name)
    world.begin().settle().wait(86_400_000)
    assert.deepStrictEqual(world.statuses, times(3, "promised"))
    assert.strictEqual(world.reserved, 4)
    assert.strictEqual(world.told.filter(({ kind, user }) => kind === "lift.pending" && user === undefined).length, 3)
    world.letters.length = 0
    for (const name of ["R", "S"]) world.away.delete(name)
    world.wait(1_000_000)
    assert.deepStrictEqual(world.statuses, times(3, "void"))
    assert.strictEqual(world.reserved, 0)
  })

  it("has no second effect when a record comes again, and freezes where one contradicts it (S38)", () => {
    const world = new LiftNetwork(three).begin().settle()
    const booked = [...world.booked]
    for (const letter of world.sent("Ended")) world.take(letter)
    const forged = recordBy(world, "void", ["R"])
    world.take({ from: "B", to: "A", message: { _tag: "Ended", record: forged } })
    assert.deepStrictEqual(world.booked, booked)
    assert.isUndefined(world.lifts.get("A")?.contrary)
    const lie = recordBy(world, "void", ["R", "T"])
    for (const to of ["A", "A", "R"]) world.take({ from: "B", to, message: { _tag: "Ended", record: lie } })
    assert.deepStrictEqual(world.booked, booked)
    assert.strictEqual(world.lifts.get("A")?.status, "good")
    assert.deepStrictEqual(world.lifts.get("A")?.contrary, lie)
    assert.deepStrictEqual(world.referees.get("R")?.contrary, lie)
    const alarms = world.told.filter(({ kind }) => kind === "lift.contradiction")
    assert.deepStrictEqual(
      alarms.map(({ user }) => user),
      [undefined, undefined]
    )
  })

  it("settles at a node whose database was restored to before it promised", () => {
    const world = new LiftNetwork(three).begin().settle()
    world.lifts.delete("B")
    const { record } = world.lifts.get("A")!
    world.take({ from: "A", to: "B", message: { _tag: "Ended", record: record! } })
    assert.strictEqual(world.lifts.get("B")?.status, "good")
    assert.strictEqual(world.booked.filter((line) => line === "settle B 0 to").length, 2)
  })

  const ways: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
    ["a circle", ["A", "B", "C", "A"]],
    ["a way that comes back to a node", ["A", "B", "A", "C"]],
    ["a way that comes back to a relay twice", ["A", "B", "C", "B", "D", "B"]],
    ["a way with a leg inside one node", ["A", "B", "B", "C"]]
  ]
  for (const [name, way] of ways) {
    it(`asks each node once, and settles all of its ends together: ${name} (S40)`, () => {
      const world = new LiftNetwork({ way, referees: ["R"] }).begin().settle()
      assert.deepStrictEqual(world.statuses, times(new Set(way).size, "good"))
      const ends = (way.length - 1) * 2
      assert.strictEqual(world.booked.filter((line) => line.startsWith("settle")).length, ends)
      assert.strictEqual(new Set(world.booked).size, ends * 2)
      const cores = world.plan.legs.map((_, leg) => LiftPlan.chitOf(world.plan, leg))
      assert.isTrue(cores.every((core) => core.date === date))
      // Only those who share a tally of the plan talk to each other.
      const steps = new Set(way.slice(1).flatMap((to, at) => [`${way[at]} ${to}`, `${to} ${way[at]}`]))
      for (const { from, to } of [...world.sent("Promise"), ...world.sent("Refusal")]) {
        assert.isTrue(steps.has(`${from} ${to}`), `${from} to ${to}`)
      }
    })

    it(`releases all of its ends together: ${name} (S40)`, () => {
      const world = new LiftNetwork({ way, referees: ["R"] })
      const last = world.nodes.at(-1)!
      world.full.add(last)
      world.begin().settle()
      assert.strictEqual(world.reserved, 0)
      assert.isFalse(world.statuses.includes("promised"))
      assert.isFalse(world.booked.some((line) => line.startsWith("settle")))
    })
  }
})
