/**
 * Every planted bug of lanes is found by its property, and the code without them holds under a few seeds.
 */
import { assert } from "@effect/vitest"
import { properties } from "../support/links/LaneProperties.ts"
import { laning } from "./Laning.ts"
import { hunted } from "./Hunted.ts"

hunted({
  of: "lanes",
  program: "lane.ts",
  mutants: laning.map((mutant) => ({ ...mutant, shows: mutant.property })),
  shows: properties,
  clean: { seeds: 4, found: null },
  check: (found) => assert.isNotNull(found)
})
