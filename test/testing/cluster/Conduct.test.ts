import { assert, describe, it } from "@effect/vitest"
import { Conduct, noAccusation, noRestore, staysCalm } from "../../../src/testing/cluster/Conduct.ts"
import type { Fault, FaultPlan } from "../../../src/testing/faults/FaultPlan.ts"
import { calm } from "../../../src/testing/network/NetModel.ts"
import { endOf, planWith, watched } from "./Watched.ts"

const restored = "A database was restored from an older state: everything is told again"
const kill: Fault = { _tag: "Kill", node: "a", down: 1, end: "rst" }

/** What is found under a plan. */
const under = (plan: FaultPlan, happens: (conduct: Conduct) => void) => {
  const { violations, watching } = watched()
  happens(new Conduct(watching, plan))
  return violations
}

describe("an accusation", () => {
  const accused = (conduct: Conduct) => conduct.transition("a", "b", endOf("violation"), false)

  it("is wrong where nothing garbles bytes and no ghost speaks, whatever else happens", () => {
    assert.deepStrictEqual(under(planWith(kill), accused), [[noAccusation, "a of b: in words"]])
  })

  it("is explained by bits that flip, and by ghosts", () => {
    assert.deepStrictEqual(under(planWith({ _tag: "BitFlips", share: 0.1, for: 1 }), accused), [])
    assert.deepStrictEqual(under(planWith({ _tag: "Ghost", from: "a", to: "c", after: 1 }), accused), [])
  })

  it("is no fault where one of the two misbehaves by its part", () => {
    for (const rogue of ["a", "b", "c"]) {
      const { violations, watching } = watched()
      accused(new Conduct(watching, planWith(kill), (node) => node === rogue))
      assert.strictEqual(violations.length, rogue === "c" ? 1 : 0)
    }
  })

  it("counts before there is a session as well", () => {
    const stranger = (conduct: Conduct) => conduct.transition("a", "b", endOf("violation", { from: "opening" }), false)
    assert.deepStrictEqual(under(planWith(kill), stranger), [[noAccusation, "a of b: in words"]])
    assert.deepStrictEqual(under(planWith({ _tag: "BitFlips", share: 0.1, for: 1 }), stranger), [])
  })
})

describe("the end of a session", () => {
  const ended = (conduct: Conduct) => conduct.transition("a", "b", endOf("silent"), false)

  it("is wrong while nothing at all is", () => {
    assert.deepStrictEqual(under(planWith(), ended), [[staysCalm, "a has lost its session with b: silent: in words"]])
  })

  it("is not while somebody stops, nor is what ends no session", () => {
    assert.deepStrictEqual(
      under(planWith(), (conduct) => {
        conduct.transition("a", "b", endOf("goodbye"), true)
        conduct.transition("a", "b", endOf("replaced", { from: "candidate" }), false)
        conduct.transition("a", "b", endOf("silent", { to: "active" }), false)
      }),
      []
    )
  })

  it("is not once the plan has faults, figures or a network of its own", () => {
    assert.deepStrictEqual(under(planWith(kill), ended), [])
    assert.deepStrictEqual(under({ ...planWith(), knobs: { window: 1 } }, ended), [])
    assert.deepStrictEqual(under({ ...planWith(), network: { ...calm, loss: 0.1 } }, ended), [])
  })
})

describe("a database that is taken for restored", () => {
  const noticed = (conduct: Conduct) => conduct.logged("a", restored)

  it("has been, or something is wrong", () => {
    assert.deepStrictEqual(under(planWith(kill), noticed), [[noRestore, `a logs "${restored}"`]])
    assert.deepStrictEqual(under(planWith({ ...kill, wipe: true }), noticed), [])
    assert.deepStrictEqual(under(planWith({ _tag: "RestoreBackup", node: "b", takenAt: 0, down: 1 }), noticed), [])
  })

  it("is no matter of other words", () => {
    assert.deepStrictEqual(
      under(planWith(), (conduct) => conduct.logged("a", "A peer was slow")),
      []
    )
  })
})
