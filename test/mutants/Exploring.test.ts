/**
 * Every planted bug in who is let in and who may follow whom is found by the explorer, in its situation.
 */
import { assert } from "@effect/vitest"
import { exploring } from "./Exploring.ts"
import { hunted } from "./Hunted.ts"

hunted({
  of: "the explorer",
  program: "explore.ts",
  mutants: exploring,
  clean: { found: null },
  check: (found, { shows }) => assert.include(found, shows)
})
