/**
 * Hunts the planted bug that the environment names: runs seeds of its profile until one fails by a property that has to
 * find it, shrinks the plan and stores it in `plans`. With `--aimed` the plan is the one that was written by hand for the
 * bug, in `aimed`.
 *
 * `MUTANT=first-wins node --import ./test/mutants/load.ts test/mutants/hunt.ts [--seconds 300] [--aimed]`
 */
import { parseArgs } from "node:util"
import { planOf } from "../../src/testing/campaign/Check.ts"
import { shrink, timesOf } from "../../src/testing/campaign/Shrink.ts"
import { describe, isFailure, type Verdict } from "../../src/testing/cluster/Verdict.ts"
import type { FaultPlan } from "../../src/testing/faults/FaultPlan.ts"
import type { Mutant, Property } from "./Mutant.ts"
import { find } from "./Mutants.ts"
import { writeRow } from "./Row.ts"
import { brokenBy, isFor, readAimed, runFor, simulationFor, write } from "./Stored.ts"

/** Seeds. */
const most = 2_000
/** Milliseconds of the minute that shrinking may take: the run that has begun then is waited for. */
const shrinking = 55_000

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "300" }, aimed: { type: "boolean", default: false } }
})
const mutant = find(process.env["MUTANT"] ?? "")
const simulation = simulationFor(mutant)
const clock = (): number => performance.now()
/** Milliseconds that this process has computed: what else the machine does makes no plan larger. */
const computed = (): number => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1_000
}

interface Caught {
  readonly property: Property
  readonly seed: number
  readonly plan: FaultPlan
  readonly verdict: Verdict
}

const say = (words: string): void => console.log(`${mutant.name}: ${words}`)

/** The first seed from here on that one of the properties finds. */
const search = async ({ profile }: Mutant, from: number, deadline: number): Promise<Caught | undefined> => {
  for (let seed = from; seed < most && clock() < deadline; seed++) {
    const plan = values.aimed ? readAimed(mutant.name) : planOf(simulation, seed, { profile })
    const { verdict } = await runFor(mutant, simulation, seed, plan)
    const property = brokenBy(verdict)
    if (isFor(mutant, property)) return { property, seed, plan, verdict }
    if (isFailure(verdict)) say(`seed ${seed} fails otherwise: ${describe(verdict).slice(0, 300)}`)
  }
  return undefined
}

/** The least plan that one of the properties finds: whichever of them speaks first in a smaller plan is as good. */
const least = async ({ plan, seed, verdict }: Caught): Promise<Caught & { readonly runs: number }> => {
  const found = new Map<FaultPlan, Caught>()
  const small = await shrink({
    plan,
    verdict,
    clock: computed,
    maxMillis: shrinking,
    run: async (smaller) => {
      const ended = await runFor(mutant, simulation, seed, smaller)
      const property = brokenBy(ended.verdict)
      if (!isFor(mutant, property)) return ended
      found.set(smaller, { property, seed, plan: smaller, verdict: ended.verdict })
      return { ...ended, verdict }
    },
    times: async (smaller) => timesOf(await runFor(mutant, simulation, seed, smaller))
  })
  return { ...found.get(small.plan)!, runs: small.runs }
}

const isSmall = ({ faults, nodes }: FaultPlan): boolean => faults.length <= 3 && nodes <= 3

/** Shrinks the first failure; those after it only if it does not become small. */
const hunt = async (deadline: number): Promise<void> => {
  let first: number | undefined
  for (let seed = 0; ; seed++) {
    const caught = await search(mutant, seed, deadline)
    if (caught === undefined) {
      say("not caught")
      process.exitCode = 1
      return
    }
    seed = caught.seed
    first ??= seed
    say(`caught by seed ${seed}: ${describe(caught.verdict).slice(0, 300)}`)
    const began = computed()
    const { plan, property, runs, verdict } = await least(caught)
    const shrinkMillis = Math.round(computed() - began)
    say(`${plan.faults.length} faults, ${plan.nodes} nodes after ${runs} runs and ${shrinkMillis} ms: ${property}`)
    if (!isSmall(plan)) continue
    const seeds = values.aimed ? {} : { seedsToDetection: first + 1 }
    write({ mutant: mutant.name, property, ...seeds, shrinkMillis, seed, plan, verdict })
    writeRow(mutant)
    return
  }
}

await hunt(clock() + Number(values.seconds) * 1_000)
