/**
 * Whether a seed makes one run: two runs of it are compared, event by event as far as their checkpoints go.
 */
import type { FaultPlan } from "../faults/FaultPlan.ts"
import type { Result } from "../cluster/Result.ts"
import type { Simulation } from "./Simulation.ts"

/** How two runs of one seed differ. */
export interface Divergence {
  readonly seed: number
  /** The events up to here were the same. */
  readonly sameUntil: number
  /** By here they were not. */
  readonly differentBy: number
  readonly detail: string
}

/** What is compared of a run. */
export type Compared = Pick<Result, "seed" | "hash" | "events" | "checkpoints" | "trace">

/** Where two runs that should be one have parted; `undefined` if they have not. */
export const divergence = (first: Compared, second: Compared): Divergence | undefined => {
  if (first.hash === second.hash && first.events === second.events) return undefined
  const hashes = new Map(second.checkpoints.map(({ hash, n }) => [n, hash]))
  let sameUntil = 0
  let differentBy = Math.min(first.events, second.events)
  for (const { hash, n } of first.checkpoints) {
    const other = hashes.get(n)
    if (other === hash) sameUntil = n
    else if (other !== undefined) {
      differentBy = n
      break
    }
  }
  return { seed: first.seed, sameUntil, differentBy, detail: firstDifference(first, second) }
}

/** The first events in words that differ, among those that were kept. */
const firstDifference = (first: Compared, second: Compared): string => {
  const words = ({ trace }: Compared) =>
    trace.map(({ at, detail, kind, node }) => `${at / 1_000} ms ${node} ${kind} ${JSON.stringify(detail)}`)
  const [here, there] = [words(first), words(second)]
  const at = here.findIndex((word, index) => word !== there[index])
  if (at < 0) return "the events in words are the same: what differs is in bytes, order or timers"
  return `${here[at] ?? "nothing more"} | ${there[at] ?? "nothing more"}`
}

/** Runs a seed twice. */
export const twice = async (simulation: Simulation, seed: number, plan: FaultPlan): Promise<Divergence | undefined> => {
  const first = await simulation.run(seed, plan)
  return divergence(first, await simulation.run(seed, plan))
}
