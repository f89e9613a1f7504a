/**
 * Every planted bug of gossip is found by its property, and the code without them holds under a few seeds.
 */
import { assert } from "@effect/vitest"
import { properties } from "../support/GossipProperties.ts"
import { gossiping } from "./Gossiping.ts"
import { hunted } from "./Hunted.ts"

hunted({
  of: "gossip",
  program: "gossip.ts",
  mutants: gossiping.map((mutant) => ({ ...mutant, shows: mutant.property })),
  shows: properties,
  clean: { seeds: 4, found: null },
  check: (found) => assert.isNotNull(found)
})
