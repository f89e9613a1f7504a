import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { observed, react, stimuli, table } from "../../support/BitcoinStimuli.ts"

describe("what was tried on real nodes", () => {
  it("is tried on this one, all of it", () => {
    assert.sameMembers(
      Object.keys(stimuli),
      observed.map(({ stimulus }) => stimulus)
    )
  })

  it("is in docs/bitcoin.md, beside what they do", () => {
    const text = readFileSync(new URL("../../../docs/bitcoin.md", import.meta.url), "utf8")
    assert.include(text, table())
  })

  for (const [name, stimulus] of Object.entries(stimuli)) {
    it.effect(`${name}: ${stimulus.expected}`, () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* react(stimulus), stimulus.expected)
      })
    )
  }
})
