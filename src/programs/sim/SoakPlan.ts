/**
 * A plan for a day or a month: the faults of many plans of a minute, one after the other, so that it is as disturbed
 * at its end as at its beginning.
 */
import type { Entry, Fault, FaultPlan } from "../../testing/faults/FaultPlan.ts"
import * as Swarm from "../../testing/faults/Swarm.ts"
import { Rng } from "../../testing/world/Rng.ts"
import type { Drawing } from "./Drawing.ts"

/** Milliseconds of one of the plans that it is made of. */
export const chunk = 60_000

/** Operations of every node in an hour, unless they are given: few, for what the scenario writes down it keeps. */
const operationsAnHour = 4

/** Faults of a plan that can be kept as a file. */
const mostFaults = 10_000

const later = (fault: Fault, by: number): Fault =>
  fault._tag === "RestoreBackup" ? { ...fault, takenAt: fault.takenAt + by } : fault

/** What would last to the end of the plan that it is drawn for. */
const bounded = (fault: Fault): Fault =>
  fault._tag === "CloseAfter" || fault._tag === "ClockDrift" ? { ...fault, for: chunk } : fault

/** The faults of a minute, moved to where it begins. What would wait for a trigger comes at some time instead. */
const minute = (seed: number, profile: Swarm.Profile, options: Swarm.Options, begin: number): ReadonlyArray<Entry> => {
  const rng = new Rng(seed, "soak/triggers")
  return Swarm.generate(seed, profile, options).faults.map(({ fault, when }) => {
    const at = rng.below(chunk)
    return { when: { at: begin + ("at" in when ? when.at : at) }, fault: bounded(later(fault, begin)) }
  })
}

/** A plan that lasts `drawing.duration`. */
export const longPlan = (seed: number, { profile, ...drawing }: Drawing): FaultPlan => {
  const duration = drawing.duration ?? chunk
  const hours = duration / 3_600_000
  const operations = drawing.operations ?? Math.max(1, Math.round(operationsAnHour * hours))
  const whole = Swarm.generate(seed, profile, { ...drawing, duration, operations })
  const options = { nodes: whole.nodes, duration: chunk, operations: 1 }
  const faults: Array<Entry> = []
  for (let begin = 0; begin + chunk <= duration; begin += chunk) {
    const one = new Rng(seed, `soak/${begin}`).u32()
    faults.push(...minute(one, profile, options, begin).filter(({ fault }) => !outlasts(fault)))
  }
  return { ...whole, faults: faults.toSorted((a, b) => timeOf(a) - timeOf(b)) }
}

/** What would last to the end of the world instead of to the end of its minute. */
const outlasts = (fault: Fault): boolean => "for" in fault && fault.for !== undefined && fault.for > 10 * chunk

const timeOf = ({ when }: Entry): number => ("at" in when ? when.at : 0)

/** The plan without what did not come any more, and, if that is still too much for a file, without what came first. */
export const cut = (plan: FaultPlan, until: number): FaultPlan => ({
  ...plan,
  faults: plan.faults.filter((entry) => timeOf(entry) <= until).slice(-mostFaults)
})
