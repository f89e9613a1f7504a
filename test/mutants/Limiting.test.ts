/**
 * Every planted bug of limits is found by its property, and the code without them holds under a few seeds.
 */
import { assert } from "@effect/vitest"
import { properties } from "../support/LimitProperties.ts"
import { limiting } from "./Limiting.ts"
import { hunted } from "./Hunted.ts"

hunted({
  of: "limits",
  program: "limit.ts",
  mutants: limiting.map((mutant) => ({ ...mutant, shows: mutant.property })),
  shows: properties,
  clean: { seeds: 40, found: null },
  check: (found) => assert.isNotNull(found)
})
