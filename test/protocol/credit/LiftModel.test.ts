/**
 * Every interleaving of a lift in the situations of `LiftScenarios`, with loss, duplication and reordering of every message, walks
 * through those that are too large for that, and wrong rules that this finds out.
 */
import { assert, describe, it } from "@effect/vitest"
import { explore, type Report, type Wrong, wander } from "../../support/explorer/Explorer.ts"
import { mutations } from "../../support/lift/LiftMutations.ts"
import { situation, situations, spaceOf, together } from "../../support/lift/LiftScenarios.ts"
import { seeded } from "../../support/Malformed.ts"

const readable = ({ trail, what }: Wrong): string =>
  `${what}${trail.map((step, i) => `\n  ${i + 1}. ${step}`).join("")}`
const isRight = ({ wrong }: Report): void => assert.isUndefined(wrong, wrong === undefined ? "" : readable(wrong))

const rows: Array<string> = []
let sum = 0

describe("a lift has one verdict, ends by it alone, and can always end, in every interleaving", () => {
  for (const scenario of situations) {
    it(`of ${scenario.name}`, () => {
      const report = explore(spaceOf(scenario))
      rows.push(`${String(report.states).padStart(9)} ${String(report.moves).padStart(9)}  ${scenario.name}`)
      sum += report.states
      isRight(report)
      assert.isTrue(report.complete)
      assert.isAbove(report.ends, 0)
    })
  }

  it("and was looked at in more than a quarter of a million states", () => {
    console.log(["   states     moves", ...rows, `${String(sum).padStart(9)}`].join("\n"))
    assert.isAbove(sum, 250_000)
  })
})

describe("a lift has one verdict, ends by it alone, and can always end, on walks through", () => {
  for (const scenario of together) {
    it(scenario.name, () => {
      const report = wander(spaceOf(scenario), 30, seeded(17))
      isRight(report)
      assert.isAbove(report.states, 300)
    })
  }
})

describe("the model catches", () => {
  for (const { caughtBy, machine, name, shows } of mutations) {
    it(name, () => {
      const { wrong } = explore(spaceOf(situation(caughtBy), machine))
      assert.include(wrong?.what, shows, `in: ${caughtBy}`)
    })
  }
})
