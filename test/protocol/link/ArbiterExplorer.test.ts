/**
 * Every interleaving of the link's rule in the situations of `LinkScenarios`, walks through those that are too large for
 * that, and wrong rules that this finds out.
 */
import { assert, describe, it } from "@effect/vitest"
import { explore, type Report, type Wrong, wander } from "../../support/explorer/Explorer.ts"
import { production } from "../../support/explorer/Machine.ts"
import { mutations } from "../../support/explorer/LinkMutations.ts"
import { situation, situations, together } from "../../support/explorer/LinkScenarios.ts"
import { linkSpace } from "../../support/explorer/LinkSpace.ts"
import { seeded } from "../../support/Malformed.ts"

const readable = ({ trail, what }: Wrong): string =>
  `${what}${trail.map((step, i) => `\n  ${i + 1}. ${step}`).join("")}`
const isRight = ({ wrong }: Report): void => assert.isUndefined(wrong, wrong === undefined ? "" : readable(wrong))

const explored = new Map<string, number>()

describe("one peer, one connection, in every interleaving", () => {
  for (const scenario of situations) {
    it(`holds when: ${scenario.name}`, () => {
      const report = explore(linkSpace(scenario, production))
      explored.set(scenario.name, report.states)
      isRight(report)
      assert.isTrue(report.complete)
      assert.isAbove(report.ends, 0)
      assert.deepStrictEqual(Object.keys(report.excused).sort(), [...(scenario.excuses ?? [])].sort())
      const excused = Object.values(report.excused).reduce((sum, n) => sum + n, 0)
      assert.isTrue(report.ends > excused || scenario.name === "both dials hang")
    })
  }

  it("was looked at in more than a million states", () => {
    const rows = [...explored].map(([name, states]) => `${String(states).padStart(9)}  ${name}`)
    const sum = [...explored.values()].reduce((total, states) => total + states, 0)
    console.log([...rows, `${String(sum).padStart(9)}  states in all`].join("\n"))
    assert.isAbove(sum, 1_000_000)
  })
})

describe("one peer, one connection, on walks through", () => {
  for (const scenario of together) {
    it(scenario.name, () => {
      const report = wander(linkSpace(scenario, production), 150, seeded(41))
      isRight(report)
      assert.isAbove(report.states, 15_000)
      assert.isAbove(report.ends, 20)
    })
  }
})

describe("the explorer catches", () => {
  for (const { caughtBy, machine, name, shows } of mutations) {
    it(name, () => {
      const { wrong } = explore(linkSpace(situation(caughtBy), machine))
      assert.include(wrong?.what, shows, `when: ${caughtBy}`)
    })
  }
})
