import { assert, describe, it } from "@effect/vitest"
import { choice } from "../../../src/protocol/credit/BallotChoice.ts"
import type { Readiness } from "../../../src/protocol/credit/CreditMessage.ts"
import type { Verdict } from "../../../src/protocol/credit/LiftRecord.ts"
import { keyOf, planOf, signed } from "../../support/lift/LiftLab.ts"

const names = ["R", "S", "T", "U", "V"]
const plan = planOf({ way: ["A", "B"], referees: names.slice(0, 3) })
const wide = planOf({ way: ["A", "B"], referees: names })
const { authority } = signed(plan)

/** `R good 1`: R has voted so in that round, which B has begun; `R`: it has not voted. */
const heard = (...all: ReadonlyArray<string>): ReadonlyArray<Readiness> =>
  all.map((text) => {
    const [name = "", verdict, round] = text.split(" ")
    const referee = keyOf(name)
    if (verdict === undefined) return { referee, sign: authority }
    const ballot = round === "0" ? { round: 0 } : { round: Number(round), by: keyOf("B") }
    const said: Verdict = verdict === "good" ? "good" : "void"
    return { referee, sign: authority, voted: { ballot, verdict: said, sign: authority } }
  })

describe("what may be voted", () => {
  it("is open as long as a majority was not heard", () => {
    assert.strictEqual(choice(plan, heard("R good 0")), "unclear")
    assert.strictEqual(choice(wide, heard("R", "S")), "unclear")
  })

  it("is free where a majority has voted nothing", () => {
    assert.strictEqual(choice(plan, heard("R", "S")), "free")
  })

  it("is what was voted last, by however few", () => {
    assert.strictEqual(choice(plan, heard("R good 0", "S")), "good")
    assert.strictEqual(choice(plan, heard("R good 0", "S void 1")), "void")
    assert.strictEqual(choice(plan, heard("R void 1", "S good 2", "T void 1")), "good")
  })

  it("waits for more where one ballot has votes for both and either may have been enough", () => {
    assert.strictEqual(choice(plan, heard("R good 1", "S void 1")), "unclear")
    assert.strictEqual(choice(plan, heard("R good 1", "S void 1", "T void 1")), "void")
    assert.strictEqual(choice(plan, heard("R good 1", "S void 1", "T good 1")), "good")
    assert.strictEqual(choice(plan, heard("R good 1", "S void 1", "T")), "free")
    assert.strictEqual(choice(wide, heard("R good 1", "S void 1", "T void 1")), "unclear")
    assert.strictEqual(choice(wide, heard("R good 1", "S void 1", "T void 1", "U")), "void")
  })
})
