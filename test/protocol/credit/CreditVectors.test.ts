/**
 * The published vectors are what the sources make, so that neither changes alone: whoever has signed by them must be understood for ever.
 */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { isTaken, vectors } from "../../support/credit/CreditVectors.ts"

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../vectors/credit/${name}`, import.meta.url), "utf8"))

describe("the vectors of credit", () => {
  const made = vectors()
  for (const [name, json] of Object.entries(made)) {
    it(`in ${name} are what the sources make`, () => {
      assert.deepStrictEqual(JSON.parse(JSON.stringify(json)), read(name))
    })
  }

  it("are refused where they say so", () => {
    for (const { as, json, why } of made["refused.json"]) assert.isFalse(isTaken(as, json), why)
    assert.isTrue(isTaken("chit", made["tally.json"].chits[0]!.json))
    assert.isTrue(isTaken("tally", made["tally.json"].json))
    assert.isTrue(isTaken("plan", made["lift.json"].json))
  })

  it("hold two records that are valid and seven that are not", () => {
    const valid = made["lift.json"].records.map(({ valid }) => valid)
    assert.deepStrictEqual(valid, [true, true, false, false, false, false, false, false, false])
  })
})
