/**
 * Everything that one run of a scenario leaves behind.
 */
import type { FaultPlan } from "../faults/FaultPlan.ts"
import type { Checkpoint, TraceEvent } from "../world/Trace.ts"
import type { Verdict } from "./Verdict.ts"

/** How much of a run is kept in words. */
export interface Keep {
  /** Events; the oldest go first. */
  readonly events: number
}

export interface Result {
  readonly scenario: string
  readonly seed: number
  readonly plan: FaultPlan
  readonly verdict: Verdict
  /** Equal for equal runs. */
  readonly hash: string
  /** Delivered chunks and fired timers. */
  readonly events: number
  readonly virtualMillis: number
  readonly checkpoints: ReadonlyArray<Checkpoint>
  /** The last events, in words. */
  readonly trace: ReadonlyArray<TraceEvent>
  /** 1 for each declared `sometimes` that came true, else 0. */
  readonly sometimes: Readonly<Record<string, number>>
  /** Counts of what happened: dials, sessions, messages, bytes, faults that struck. */
  readonly figures: Readonly<Record<string, number>>
}
