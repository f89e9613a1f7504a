/**
 * Every planted bug of Bitcoin's is found by its property, and the code without them holds under a few seeds.
 */
import { assert } from "@effect/vitest"
import { properties } from "../support/BitcoinProperties.ts"
import { hunted } from "./Hunted.ts"
import { peering } from "./Peering.ts"

hunted({
  of: "Bitcoin",
  program: "peer.ts",
  mutants: peering.map((mutant) => ({ ...mutant, shows: mutant.property })),
  shows: properties,
  clean: { seeds: 4, found: null },
  check: (found) => assert.isNotNull(found)
})
