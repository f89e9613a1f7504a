/**
 * Explores the situation that has to show the planted bug which the environment names, and prints what went wrong there as
 * JSON. Without a bug it explores all those situations.
 *
 * `MUTANT=clone-obeyed node --import ./test/mutants/load.ts test/mutants/explore.ts`
 */
import { explore } from "../support/explorer/Explorer.ts"
import { situation } from "../support/explorer/LinkScenarios.ts"
import { linkSpace } from "../support/explorer/LinkSpace.ts"
import { production } from "../support/explorer/Machine.ts"
import { exploring } from "./Exploring.ts"

const planted = process.env["MUTANT"] ?? ""
const hunted = exploring.filter(({ name }) => planted === "" || name === planted)
if (hunted.length === 0) throw new RangeError("MUTANT names no planted bug of the explorer")

let found: string | undefined
for (const name of new Set(hunted.map((mutant) => mutant.situation))) {
  const { complete, wrong } = explore(linkSpace(situation(name), production))
  if (!complete && wrong === undefined) throw new Error(`${name} was not visited whole`)
  found ??= wrong?.what
}
console.log(JSON.stringify({ found: found ?? null }))
