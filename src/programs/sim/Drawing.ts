/**
 * From what the plan of a seed is made, as flags say it and as it is told to the processes that run seeds.
 */
import { Schema } from "effect"
import type { Profile } from "../../testing/faults/Swarm.ts"

const natural = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** As in `Swarm.profiles`, which takes its time to load. */
export const profileNames = [
  "calm",
  "swarm",
  "network",
  "crash",
  "database",
  "clock",
  "slow",
  "all-faults",
  "one-node"
] as const satisfies ReadonlyArray<Profile>

export const databases = ["memory", "pglite", "mixed"] as const

export const Drawing = Schema.Struct({
  profile: Schema.Literals(profileNames),
  nodes: Schema.optionalKey(natural),
  /** Milliseconds. */
  duration: Schema.optionalKey(natural),
  operations: Schema.optionalKey(natural),
  database: Schema.optionalKey(Schema.Literals(databases))
})
export type Drawing = typeof Drawing.Type
