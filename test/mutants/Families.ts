/**
 * All planted bugs that properties and explorers of their own find, beside those of the simulator in `Mutants.ts`.
 */
import { enduring } from "./Enduring.ts"
import { exploring } from "./Exploring.ts"
import { gossiping } from "./Gossiping.ts"
import { laning } from "./Laning.ts"
import { limiting } from "./Limiting.ts"
import type { Planted } from "./Mutant.ts"
import { peering } from "./Peering.ts"
import { storing } from "./Storing.ts"

export const families: ReadonlyArray<Planted> = [
  ...enduring,
  ...exploring,
  ...gossiping,
  ...laning,
  ...limiting,
  ...peering,
  ...storing
]
