/**
 * Runs the stored plan of the planted bug that the environment names, and prints the verdict and its seed as JSON.
 *
 * Every change of the code moves what a seed draws, so a plan that depends on such a draw gets a few seeds.
 *
 * `MUTANT=first-wins node --import ./test/mutants/load.ts test/mutants/replay.ts`
 */
import { find } from "./Mutants.ts"
import { brokenBy, read, runFor, simulationFor } from "./Stored.ts"

/** Seeds, the stored one included. */
const tries = 24

const mutant = find(process.env["MUTANT"] ?? "")
const { plan, property, seed } = read(mutant.name)
const simulation = simulationFor(mutant)

const replay = async () => {
  for (let now = seed; ; now++) {
    const { verdict } = await runFor(mutant, simulation, now, plan)
    if (brokenBy(verdict) === property || now + 1 === seed + tries) return { seed: now, verdict }
  }
}

console.log(JSON.stringify(await replay()))
