import { assert, describe, it } from "@effect/vitest"
import { broken, properties } from "../../support/GossipProperties.ts"

const seeds = 40

describe("announcements in a network of any shape", () => {
  for (const property of properties) {
    it(`${property}, for ${seeds} seeds`, () => {
      for (let seed = 0; seed < seeds; seed++) assert.isUndefined(broken(property, seed), `seed ${seed}`)
    })
  }
})
