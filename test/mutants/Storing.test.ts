/**
 * Every planted bug of the SQL stores is found by its property on the embedded database, and without them it holds.
 */
import { assert } from "@effect/vitest"
import { properties } from "../support/StoreProperties.ts"
import { hunted } from "./Hunted.ts"
import { storing } from "./Storing.ts"

hunted({
  of: "the SQL stores",
  program: "store.ts",
  mutants: storing.map((mutant) => ({ ...mutant, shows: mutant.property })),
  shows: properties,
  clean: { seeds: 7, found: null },
  check: (found) => assert.isNotNull(found)
})
