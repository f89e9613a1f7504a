/**
 * What the sides of a tally have set, as the chain of its chits says: of each side's settings the later one over the earlier one, name by
 * name.
 */
import type { Core } from "./Chit.ts"
import type { TallyHalf } from "./TallyHalf.ts"

type Sets = TallyHalf["sets"]

/** Before the first chit. */
export const none: Sets = { stock: {}, foil: {} }

/** Once the chit has its place behind those before it. */
export const after = (sets: Sets, core: Core): Sets =>
  core.type === "set" ? { ...sets, [core.by]: { ...sets[core.by], ...core.sets } } : sets
