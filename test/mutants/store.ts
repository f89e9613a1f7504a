/**
 * Hunts a planted bug of the SQL stores: `MUTANT=sql-overtakes node --import ./test/mutants/load.ts test/mutants/store.ts`
 */
import { broken, close, properties } from "../support/StoreProperties.ts"
import { seek } from "./Seek.ts"
import { storing } from "./Storing.ts"

await seek({ of: "the SQL stores", mutants: storing, properties, broken, clean: 7 })
await close()
