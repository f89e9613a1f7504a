/** What must hold of a Bitcoin manager among simulated nodes, seed by seed, for those who hunt planted bugs. */
import { bitcoin, properties as named } from "../../src/testing/bitcoin/BitcoinScenario.ts"
import { planOf } from "../../src/testing/campaign/Check.ts"
import * as Simulation from "../../src/testing/campaign/Simulation.ts"
import { describe, type Verdict } from "../../src/testing/cluster/Verdict.ts"

export type Property = (typeof named)[keyof typeof named]
export const properties: ReadonlyArray<Property> = Object.values(named)

const simulation = Simulation.make(bitcoin)

/** The last world, which the next property asks for again. */
let last: { readonly seed: number; readonly verdict: Verdict } | undefined

const verdictOf = async (seed: number): Promise<Verdict> => {
  if (last?.seed === seed) return last.verdict
  const { verdict } = await simulation.run(seed, planOf(simulation, seed, { nodes: 5, profile: "swarm" }))
  last = { seed, verdict }
  return verdict
}

/** What is wrong in the world of this seed. */
export const broken = async (property: Property, seed: number): Promise<string | undefined> => {
  const verdict = await verdictOf(seed)
  return "property" in verdict && verdict.property === property ? describe(verdict) : undefined
}
