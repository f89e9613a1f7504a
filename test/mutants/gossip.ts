/**
 * Looks for a seed that breaks the property which has to find the planted bug that the environment names, and prints what
 * it found as JSON. Gives up after a few seeds.
 *
 * `MUTANT=echoed node --import ./test/mutants/load.ts test/mutants/gossip.ts`
 */
import { broken } from "../support/GossipProperties.ts"
import { gossiping } from "./Gossiping.ts"

const seeds = 40

const mutant = gossiping.find(({ name }) => name === process.env["MUTANT"])
if (mutant === undefined) throw new RangeError("MUTANT names no planted bug of gossip")

let found: string | undefined
let seed = 0
for (; found === undefined && seed < seeds; seed++) found = broken(mutant.property, seed)
console.log(JSON.stringify({ seeds: seed, found: found ?? null }))
