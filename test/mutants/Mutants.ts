/**
 * All planted bugs, in the order of docs/simulation-mutants.md.
 */
import { arbitration } from "./Arbitration.ts"
import { chaining } from "./Chaining.ts"
import { connections } from "./Connections.ts"
import { crediting } from "./Crediting.ts"
import { database } from "./Database.ts"
import { delivery } from "./Delivery.ts"
import { leaks } from "./Leaks.ts"
import type { Mutant } from "./Mutant.ts"
import { grouping } from "./Grouping.ts"
import { owing } from "./Owing.ts"
import { redialling } from "./Redialling.ts"
import { timing } from "./Timing.ts"

export const mutants: ReadonlyArray<Mutant> = [
  ...arbitration,
  ...connections,
  ...redialling,
  ...delivery,
  ...owing,
  ...grouping,
  ...timing,
  ...chaining,
  ...crediting,
  ...database,
  ...leaks
]

/** The bug of this name. */
export const find = (name: string): Mutant => {
  const mutant = mutants.find((one) => one.name === name)
  if (mutant === undefined) {
    throw new RangeError(`MUTANT is "${name}", give one of: ${mutants.map((one) => one.name).join(", ")}`)
  }
  return mutant
}
