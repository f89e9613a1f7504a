/**
 * Looks for a seed that breaks the property which has to find the planted bug that the environment names, and prints what
 * it found as JSON. Gives up after a few seeds. Without a bug it looks at all properties.
 *
 * `MUTANT=no-grace node --import ./test/mutants/load.ts test/mutants/limit.ts`
 */
import { broken, properties } from "../support/LimitProperties.ts"
import { limiting } from "./Limiting.ts"

const seeds = 40

const planted = process.env["MUTANT"] ?? ""
const mutant = limiting.find(({ name }) => name === planted)
if (mutant === undefined && planted !== "") throw new RangeError("MUTANT names no planted bug of limits")

let found: string | undefined
let seed = 0
for (; found === undefined && seed < seeds; seed++) {
  for (const property of mutant === undefined ? properties : [mutant.property]) found ??= broken(property, seed)
}
console.log(JSON.stringify({ seeds: seed, found: found ?? null }))
