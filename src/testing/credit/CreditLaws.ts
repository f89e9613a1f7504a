/**
 * The names by which the simulator says which invariant of credit does not hold: those of docs/credit.md in words.
 */
import type { Invariant } from "../../protocol/credit/Invariants.ts"

export const laws = {
  I1: "both ends of a tally have one balance",
  I2: "all balances together are zero",
  I3: "balances and holds are what the chits make",
  I4: "what is good is signed",
  I5: "one id has one content and counts once",
  I6: "both ends have one order",
  I7: "what is good anywhere is good at both ends",
  I8: "a lift is good everywhere or nowhere",
  I9: "a lift changes the worth of payor and payee alone",
  I10: "a lift has one verdict",
  I11: "nobody owes more than was granted",
  I12: "what is final stays",
  I15: "only its parties' nodes change a tally"
} as const satisfies Record<Invariant, string>

/** I13, of tickets. */
export const granted = "a ticket that is granted has its tally"

/** I16, with all of the others once nothing moves any more. */
export const settled = "all credit is settled in the end"
