/** A referee whose database was put back (docs/credit.md, Limits): what it has forgotten, nobody can have twice. */
import { assert, describe, it } from "@effect/vitest"
import { mostAheadMillis } from "../../../src/protocol/credit/RefereeMemory.ts"
import { date, expires } from "../../support/lift/LiftLab.ts"
import { LiftNetwork } from "../../support/lift/LiftNetwork.ts"

const alone = { way: ["A", "B", "C"], referees: ["R"] }
const three = { way: ["A", "B", "C"], referees: ["R", "S", "T"] }
const hour = 3_600_000

/** The only referee has voted good, C alone knows it and is away, and the referee's database is put back. */
const forgotten = (): LiftNetwork => {
  const world = new LiftNetwork(alone)
  world.away.add("B")
  world.begin().settle()
  world.away.delete("B")
  world.away.add("R")
  world.settle()
  // All have promised; what C asks the referee for is under way, and what it answers reaches C alone.
  world.away.delete("R")
  for (const name of ["A", "B"]) world.away.add(name)
  world.settle()
  world.away.add("C")
  for (const name of ["A", "B"]) world.away.delete(name)
  assert.deepStrictEqual(world.statuses, ["promised", "promised", "good"])
  // What C has told others is lost with its connection, and it says so again when it is asked.
  world.letters.splice(0)
  world.forgets("R")
  return world
}

describe("the only referee of a lift that may have forgotten its vote", () => {
  it("does not vote while a node that may have the record has not asked, and learns it from that", () => {
    const world = forgotten()
    world.wait(hour)
    assert.deepStrictEqual(world.statuses, ["promised", "promised", "good"])
    assert.isUndefined(world.referees.get("R")?.voted)
    world.away.delete("C")
    world.settle()
    assert.strictEqual(world.referees.get("R")?.record?.verdict, "good")
    world.wait(hour)
    assert.deepStrictEqual(world.statuses, ["good", "good", "good"])
    assert.isUndefined(world.referees.get("R")?.contrary)
  })

  it("does not believe what was asked before its database was put back, and comes late", () => {
    const world = forgotten()
    for (const letter of world.sent("Prepare", "R")) world.take(letter)
    for (const letter of world.sent("Decide", "R")) world.take(letter)
    world.wait(hour)
    assert.isUndefined(world.referees.get("R")?.voted)
  })

  it("votes void once all nodes have asked anew, since nobody has a record then", () => {
    const world = new LiftNetwork(alone)
    world.away.add("R")
    world.begin().settle()
    assert.deepStrictEqual(world.statuses, ["promised", "promised", "promised"])
    world.forgets("R")
    world.away.delete("R")
    world.settle()
    world.wait(hour)
    assert.deepStrictEqual(world.statuses, ["void", "void", "void"])
    assert.strictEqual(world.reserved, 0)
  })

  it("votes void at once where a node has refused: there never was a good", () => {
    const world = new LiftNetwork({ way: ["A", "B", "C", "D"], referees: ["R"] })
    world.full.add("B")
    world.away.add("R")
    world.begin().settle()
    world.forgets("R")
    world.away.delete("R")
    world.settle()
    world.wait(hour)
    assert.deepStrictEqual(world.statuses, ["void", "void", "-", "-"])
  })

  it("has to hear all of them again when it is put back once more", () => {
    const world = new LiftNetwork(alone)
    world.away.add("R")
    world.begin().settle()
    world.forgets("R")
    world.away.delete("R")
    world.away.add("C")
    world.wait(hour)
    const heard = world.referees.get("R")
    assert.lengthOf(heard?.recall?.nodes ?? [], 2)
    world.horizons.set("R", world.now + mostAheadMillis)
    world.away.delete("C")
    for (const name of ["A", "B"]) world.away.add(name)
    world.wait(hour)
    assert.isUndefined(world.referees.get("R")?.record)
    for (const name of ["A", "B"]) world.away.delete(name)
    world.wait(hour)
    assert.deepStrictEqual(world.statuses, ["void", "void", "void"])
  })

  it("decides as ever on a plan that is later than what it may have forgotten", () => {
    const world = new LiftNetwork(alone)
    world.horizons.set("R", date - 1)
    assert.deepStrictEqual(world.begin().settle().statuses, ["good", "good", "good"])
  })

  it("touches no plan that is far ahead of its clock, and does so once the time has come", () => {
    const world = new LiftNetwork(alone)
    world.ahead.set("R", -2 * mostAheadMillis)
    world.begin().settle()
    assert.isUndefined(world.referees.get("R"))
    world.wait(expires - date + hour)
    assert.deepStrictEqual(world.statuses, ["void", "void", "void"])
  })
})

describe("one of several referees that may have forgotten its vote", () => {
  it("leaves the lift to the others", () => {
    const world = new LiftNetwork(three)
    world.away.add("T")
    world.begin().settle()
    assert.deepStrictEqual(world.statuses, ["good", "good", "good"])
    const late = new LiftNetwork(three)
    late.forgets("R")
    late.begin().settle()
    assert.deepStrictEqual(late.statuses, ["good", "good", "good"])
    assert.isUndefined(late.referees.get("R")?.voted)
  })

  it("lets it wait where the others are no majority", () => {
    const world = new LiftNetwork(three)
    world.forgets("R")
    world.away.add("T")
    world.begin().settle()
    world.wait(hour)
    assert.deepStrictEqual(world.statuses, ["promised", "promised", "promised"])
    world.away.delete("T")
    world.settle()
    world.wait(hour)
    assert.strictEqual(new Set(world.statuses).size, 1)
    assert.notInclude(world.statuses, "promised")
  })
})
