/**
 * Hunts a planted bug of Bitcoin's: `MUTANT=bitcoin-never-full node --import ./test/mutants/load.ts test/mutants/peer.ts`
 */
import { broken, properties } from "../support/BitcoinProperties.ts"
import { peering } from "./Peering.ts"
import { seek } from "./Seek.ts"

await seek({ of: "Bitcoin", mutants: peering, properties, broken, clean: 4 })
