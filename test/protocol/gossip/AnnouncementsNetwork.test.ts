import { assert, describe, it } from "@effect/vitest"
import { broken, properties, type Property } from "../../support/GossipProperties.ts"

/** A flood is a hundred times the work of the others. */
const seedsOf = (property: Property): number => (property === "floods are bounded" ? 6 : 40)

describe("announcements in a network of any shape", () => {
  for (const property of properties) {
    const seeds = seedsOf(property)
    it(`${property}, for ${seeds} seeds`, () => {
      for (let seed = 0; seed < seeds; seed++) assert.isUndefined(broken(property, seed), `seed ${seed}`)
    })
  }
})
