/**
 * Every interleaving of the link's rule in the situations of `LinkScenarios`, and wrong rules that this finds out.
 */
import { assert, describe, it } from "@effect/vitest"
import { explore } from "../../support/LinkExplorer.ts"
import { production } from "../../support/LinkModel.ts"
import { mutations, situation, situations } from "../../support/LinkScenarios.ts"

const readable = (trail: ReadonlyArray<string>): string => trail.map((step, i) => `\n  ${i + 1}. ${step}`).join("")

let explored = 0

describe("one peer, one connection, in every interleaving", () => {
  for (const scenario of situations) {
    it(`holds when: ${scenario.name}`, () => {
      const { ends, excused, states, wrong } = explore(scenario, production)
      explored += states
      assert.isUndefined(wrong, wrong === undefined ? "" : `${wrong.what}${readable(wrong.trail)}`)
      assert.isAbove(ends, 0)
      assert.deepStrictEqual(Object.keys(excused).sort(), [...(scenario.excuses ?? [])].sort())
      assert.isTrue(ends > Object.values(excused).reduce((sum, n) => sum + n, 0) || scenario.name === "both dials hang")
    })
  }

  it("was looked at in more than a million states", () => assert.isAbove(explored, 1_000_000))
})

describe("the explorer catches", () => {
  for (const { caughtBy, machine, name, shows } of mutations) {
    it(name, () => {
      const { wrong } = explore(situation(caughtBy), machine)
      assert.include(wrong?.what, shows, `when: ${caughtBy}`)
    })
  }
})
