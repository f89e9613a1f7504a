/**
 * Hunts a planted bug of lanes: `MUTANT=lane-for-any-key node --import ./test/mutants/load.ts test/mutants/lane.ts`
 */
import { broken, properties } from "../support/links/LaneProperties.ts"
import { laning } from "./Laning.ts"
import { seek } from "./Seek.ts"

await seek({ of: "lanes", mutants: laning, properties, broken, clean: 4 })
