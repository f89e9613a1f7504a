/**
 * Hunts a planted bug of endurance: `MUTANT=queue-off-by-one node --import ./test/mutants/load.ts test/mutants/endure.ts`
 */
import { broken, properties } from "../support/hostile/EnduranceProperties.ts"
import { enduring } from "./Enduring.ts"
import { seek } from "./Seek.ts"

await seek({ of: "endurance", mutants: enduring, properties, broken, clean: 4 })
