/**
 * Hunts a planted bug of limits: `MUTANT=no-grace node --import ./test/mutants/load.ts test/mutants/limit.ts`
 */
import { broken, properties } from "../support/LimitProperties.ts"
import { limiting } from "./Limiting.ts"
import { seek } from "./Seek.ts"

await seek({ of: "limits", mutants: limiting, properties, broken, clean: 40 })
