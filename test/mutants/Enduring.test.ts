/**
 * Every planted bug of endurance is found by its property, and the code without them holds under a few seeds.
 */
import { assert } from "@effect/vitest"
import { properties } from "../support/hostile/EnduranceProperties.ts"
import { enduring } from "./Enduring.ts"
import { hunted } from "./Hunted.ts"

hunted({
  of: "endurance",
  program: "endure.ts",
  mutants: enduring.map((mutant) => ({ ...mutant, shows: mutant.property })),
  shows: properties,
  clean: { seeds: 4, found: null },
  check: (found) => assert.isNotNull(found)
})
