import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { ends, stimuli } from "../../../src/testing/bitcoin/Stimulus.ts"
import { bytesOf, framings, hexOf, networkNamed } from "../../support/BitcoinVectors.ts"
import * as Lab from "../../support/BitcoinPeerLab.ts"
import { expected, names, observed, react, table } from "../../support/BitcoinStimuli.ts"

describe("what was tried on real nodes", () => {
  it("is tried on this one, all of it", () => {
    assert.sameMembers(
      [...names],
      observed.map(({ stimulus }) => stimulus)
    )
  })

  it("is in docs/bitcoin.md, beside what they do", () => {
    const text = readFileSync(new URL("../../../docs/bitcoin.md", import.meta.url), "utf8")
    assert.include(text, table())
  })

  it("says of this one which connections it ends", () => {
    for (const name of names) {
      const [isClosed, isBanned] = [expected[name].includes("CLOSED"), expected[name].includes("BANNED")]
      assert.strictEqual(ends[name], isBanned ? "banned" : isClosed ? "closed" : undefined, name)
    }
  })

  it("has the longer header as the data have it", () => {
    const found = framings().find(({ id }) => id === "extmsg-ping")!
    const [piece] = stimuli["extmsg ping outer len 0"].pieces({
      network: networkNamed(found.network),
      version: Lab.version
    })
    assert.strictEqual(hexOf(piece!), hexOf(bytesOf(found.hex)))
  })

  for (const name of names) {
    it.effect(`${name}: ${expected[name]}`, () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* react(name), expected[name])
      })
    )
  }
})
