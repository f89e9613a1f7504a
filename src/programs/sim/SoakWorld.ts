/**
 * One long world: faults without a pause for as long as it lasts, with the heap measured as it goes on.
 */
import { getHeapSpaceStatistics } from "node:v8"
import * as Simulation from "../../testing/campaign/Simulation.ts"
import type { Result } from "../../testing/cluster/Result.ts"
import * as Scenario from "../../testing/cluster/Scenario.ts"
import type { Request, Sample } from "./Contract.ts"
import { cut, longPlan } from "./SoakPlan.ts"

/**
 * Bytes that are held after a collection, without compiled code and what belongs to it: of that there is more and more
 * for as long as the engine finds something worth compiling, whatever a world does.
 */
const measure = (): number => {
  if (globalThis.gc === undefined) throw new Error("the heap can only be measured with --expose-gc")
  globalThis.gc()
  const data = getHeapSpaceStatistics().filter(({ space_name }) => !/code|trusted/.test(space_name))
  return data.reduce((sum, { space_used_size }) => sum + space_used_size, 0)
}

/** A property that always holds, and measures the heap now and then; not in the quiet end, where less is under way. */
const measured = (every: number, duration: number, say: (sample: Sample) => void): Scenario.Property<never> => {
  let next = 0
  return Scenario.always("the heap is measured", ({ now }) => {
    if (now < next || now >= duration * 1_000) return undefined
    next = now + every * 1_000
    say({ _tag: "Sample", virtualMillis: now / 1_000, heap: measure() })
    return undefined
  })
}

/** Events in words: few, for what fills up for an hour looks like what leaks. */
const kept = 1_000

/** Runs the world of a soak. The plan of a result that failed ends with what struck. */
export const soak = async <R>(
  scenario: Scenario.Scenario<R>,
  { drawing, every, seed }: Extract<Request, { _tag: "Soak" }>,
  say: (sample: Sample) => void
): Promise<Result> => {
  const plan = longPlan(seed, drawing)
  const watched = { ...scenario, properties: [...(scenario.properties ?? []), measured(every, plan.duration, say)] }
  const result = await Simulation.make(watched).run(seed, plan, { events: kept })
  return { ...result, plan: cut(plan, result.virtualMillis) }
}
