/**
 * Hunts a planted bug of gossip: `MUTANT=echoed node --import ./test/mutants/load.ts test/mutants/gossip.ts`
 */
import { broken, properties } from "../support/GossipProperties.ts"
import { gossiping } from "./Gossiping.ts"
import { seek } from "./Seek.ts"

await seek({ of: "gossip", mutants: gossiping, properties, broken, clean: 4 })
