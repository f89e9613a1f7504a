import { assert, describe, it } from "@effect/vitest"
import { Cuid } from "../../../src/protocol/credit/Chad.ts"
import type { Found } from "../../../src/protocol/credit/LiftEnds.ts"
import { isValid } from "../../../src/protocol/credit/LiftRecord.ts"
import { isLocal, settleAtOnce } from "../../../src/protocol/credit/LocalLift.ts"
import { date, expires, foundAt, keyOf, planOf, signed, siteOf } from "../../support/lift/LiftLab.ts"

const plan = planOf({ way: ["A", "A", "A", "A"], referees: ["A"] })
const site = siteOf("A")

const settle = (change: (found: ReadonlyArray<Found>) => ReadonlyArray<Found> = (all) => all, now = date) => {
  const done = settleAtOnce(site, signed(plan), { found: change(foundAt(plan, keyOf("A"))), now })
  return done._tag === "Unfit" ? done.reason : done
}

describe("a lift within one node", () => {
  it("is good at once, on both halves of every tally, with a record like any other", () => {
    const done = settle()
    if (typeof done === "string") return assert.fail(done)
    assert.strictEqual(done.state.status, "good")
    assert.lengthOf(done.settle, 6)
    assert.deepStrictEqual([done.reserve, done.release], [[], []])
    assert.isTrue(isValid(done.state.record!))
    assert.isTrue(done.actions.every(({ _tag }) => _tag === "Tell"))
  })

  it("is nothing at all where a tally has no room, its holders do not join, or the time is over", () => {
    assert.strictEqual(
      settle((all) => all.with(3, { ...all[3]!, hasRoom: false })),
      "no-room"
    )
    assert.strictEqual(
      settle((all) => all.with(3, { ...all[3]!, holder: Cuid.make("stranger") })),
      "not-joined"
    )
    assert.strictEqual(
      settle((all) => all.slice(1)),
      "no-tally"
    )
    assert.strictEqual(
      settle((all) => all, expires),
      "too-late"
    )
  })

  it("needs the payor's signature, and no other node and no other referee", () => {
    const found = foundAt(plan, keyOf("A"))
    const other = planOf({ way: ["A", "A"], referees: ["R"] })
    const forged = settleAtOnce(site, { plan, authority: signed(other).authority }, { found, now: date })
    assert.strictEqual(forged._tag === "Unfit" ? forged.reason : "", "bad-authority")
    assert.isFalse(isLocal(other, site))
    assert.isFalse(isLocal(planOf({ way: ["A", "B"], referees: ["A"] }), site))
    const refused = settleAtOnce(site, signed(other), { found: foundAt(other, keyOf("A")), now: date })
    assert.strictEqual(refused._tag === "Unfit" ? refused.reason : "", "not-local")
  })
})
