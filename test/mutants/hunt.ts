/**
 * Hunts the planted bug that the environment names: runs seeds of its profile until one fails by a property that has to
 * find it, shrinks the plan and stores it in `plans`.
 *
 * `MUTANT=first-wins node --import ./test/mutants/load.ts test/mutants/hunt.ts [--seconds 300] [--from 0]`
 */
import { parseArgs } from "node:util"
import { planOf } from "../../src/testing/campaign/Check.ts"
import { shrink, timesOf } from "../../src/testing/campaign/Shrink.ts"
import * as Simulation from "../../src/testing/campaign/Simulation.ts"
import { describe, isFailure, type Verdict } from "../../src/testing/cluster/Verdict.ts"
import type { FaultPlan } from "../../src/testing/faults/FaultPlan.ts"
import { ledger } from "../../src/testing/ledger/LedgerScenario.ts"
import type { Mutant, Property } from "./Mutant.ts"
import { find } from "./Mutants.ts"
import { brokenBy, isFor, runFor, write } from "./Stored.ts"

const most = 2_000

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "300" }, from: { type: "string", default: "0" } }
})
const mutant = find(process.env["MUTANT"] ?? "")
const simulation = Simulation.make(ledger)
const clock = (): number => performance.now()

interface Caught {
  readonly property: Property
  readonly seed: number
  readonly plan: FaultPlan
  readonly verdict: Verdict
}

const say = (words: string): void => console.log(`${mutant.name}: ${words}`)

const search = async ({ profile }: Mutant, from: number, millis: number): Promise<Caught | undefined> => {
  const deadline = clock() + millis
  for (let seed = from; seed < from + most && clock() < deadline; seed++) {
    const plan = planOf(simulation, seed, { profile })
    const { verdict } = await runFor(mutant, simulation, seed, plan)
    const property = brokenBy(verdict)
    if (isFor(mutant, property)) return { property, seed, plan, verdict }
    if (isFailure(verdict)) say(`seed ${seed} fails otherwise: ${describe(verdict).slice(0, 300)}`)
  }
  return undefined
}

const from = Number(values.from)
const caught = await search(mutant, from, Number(values.seconds) * 1_000)
if (caught === undefined) {
  say("not caught")
  process.exitCode = 1
} else {
  const { plan, property, seed, verdict } = caught
  const seedsToDetection = seed - from + 1
  say(`caught after ${seedsToDetection} seeds: ${describe(verdict).slice(0, 300)}`)
  const began = clock()
  const small = await shrink({
    plan,
    verdict,
    clock,
    run: async (smaller) => (await runFor(mutant, simulation, seed, smaller)).verdict,
    times: async (smaller) => timesOf(await runFor(mutant, simulation, seed, smaller))
  })
  const shrinkMillis = Math.round(clock() - began)
  const { faults, nodes } = small.plan
  write({
    mutant: mutant.name,
    property,
    seedsToDetection,
    shrinkMillis,
    seed,
    plan: small.plan,
    verdict: small.verdict
  })
  say(`${faults.length} faults, ${nodes} nodes after ${small.runs} runs and ${shrinkMillis} ms`)
}
