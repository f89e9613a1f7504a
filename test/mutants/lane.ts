/**
 * Looks for a seed that breaks the property which has to find the planted bug that the environment names, and prints what
 * it found as JSON. Gives up after a few seeds. Without a bug it looks at all properties, with fewer.
 *
 * `MUTANT=lane-for-any-key node --import ./test/mutants/load.ts test/mutants/lane.ts`
 */
import { broken, properties } from "../support/links/LaneProperties.ts"
import { laning } from "./Laning.ts"

const planted = process.env["MUTANT"] ?? ""
const mutant = laning.find(({ name }) => name === planted)
if (mutant === undefined && planted !== "") throw new RangeError("MUTANT names no planted bug of lanes")

const most = mutant === undefined ? 4 : 40
let found: string | undefined
let seeds = 0
for (; found === undefined && seeds < most; seeds++) {
  for (const property of mutant === undefined ? properties : [mutant.property]) found ??= await broken(property, seeds)
}
console.log(JSON.stringify({ seeds, found: found ?? null }))
