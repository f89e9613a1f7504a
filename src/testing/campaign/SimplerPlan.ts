/**
 * What is simpler than a plan apart from single faults: less time at the same pace, a quiet network, usual nodes, a database in memory, and
 * tasks in the order in which they came.
 */
import type { FaultPlan } from "../faults/FaultPlan.ts"
import { calm, type NetModel } from "../network/NetModel.ts"
import { fifo } from "../world/Schedule.ts"

const isEqual = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

const figures = Object.keys(calm) as ReadonlyArray<keyof NetModel>

const ofNetwork = (name: string): string => `network ${name}`
const ofKnobs = (name: string): string => `knob ${name}`
const ofDatabase = "database"

/** Everything that is unusual about the surroundings, by names. */
export const oddities = ({ database, knobs = {}, network }: FaultPlan): ReadonlyArray<string> => [
  ...figures.filter((name) => !isEqual(network[name], calm[name])).map(ofNetwork),
  ...Object.keys(knobs).map(ofKnobs),
  ...(database === "memory" ? [] : [ofDatabase])
]

/** The plan without oddities but for those that are named. */
export const withOddities = (plan: FaultPlan, kept: ReadonlyArray<string>): FaultPlan => {
  const { knobs: knobsBefore = {}, ...rest } = plan
  let network = calm
  for (const name of figures) if (kept.includes(ofNetwork(name))) network = { ...network, [name]: plan.network[name] }
  const knobs = Object.entries(knobsBefore).filter(([name]) => kept.includes(ofKnobs(name)))
  return {
    ...rest,
    network,
    database: kept.includes(ofDatabase) ? plan.database : "memory",
    ...(knobs.length === 0 ? {} : { knobs: Object.fromEntries(knobs) })
  }
}

/** First in, first out; else without what interrupts it. One after the other. */
export const schedules: ReadonlyArray<(plan: FaultPlan) => FaultPlan> = [
  (plan) => ({ ...plan, schedule: fifo }),
  (plan) => ({ ...plan, schedule: { ...plan.schedule, preemptEvery: 0 } }),
  (plan) => ({ ...plan, schedule: { ...plan.schedule, demoteEvery: 0 } })
]

/** The first so many milliseconds of the plan: as much to do in each of them, and no fault whose time is later. */
export const beginning = (plan: FaultPlan, duration: number): FaultPlan => ({
  ...plan,
  duration,
  operations: Math.min(plan.operations, Math.max(1, Math.round((plan.operations * duration) / plan.duration))),
  faults: plan.faults.filter(({ when }) => !("at" in when) || when.at < duration)
})
