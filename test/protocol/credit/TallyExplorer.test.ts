/** Every interleaving of what two parties of a tally may do until it is open, and wrong rules that this finds out. */
import { assert, describe, it } from "@effect/vitest"
import { explore, type Wrong } from "../../support/explorer/Explorer.ts"
import { TallyLab } from "../../support/TallyPair.ts"
import { sides } from "../../support/TallyParties.ts"
import { tallySpace } from "../../support/TallySpace.ts"

const readable = (wrong: Wrong | undefined): string =>
  wrong === undefined ? "" : `${wrong.what}${wrong.trail.map((step, i) => `\n  ${i + 1}. ${step}`).join("")}`

describe("two parties of a tally, in every interleaving of commands and messages", () => {
  for (const first of sides) {
    it(`come to one verdict from every state, where the offer of ${first} stands`, () => {
      const begin = performance.now()
      const report = explore(tallySpace(new TallyLab(first), 3))
      console.log(first, report.states, report.moves, performance.now() - begin)
      assert.isUndefined(report.wrong, readable(report.wrong))
      assert.isTrue(report.complete)
    })
  }
})
