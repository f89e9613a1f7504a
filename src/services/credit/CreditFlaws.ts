/**
 * What an audit of credit finds: invariants that do not hold, as flaws that name the row, and say what to do.
 */
import type { ChitState } from "../../protocol/credit/ChitState.ts"
import { chitName, type Expect, type Invariant, nameOf, type Violation } from "../../protocol/credit/Snapshot.ts"
import type { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import type { Flaw } from "../delivery/ProtocolAudit.ts"
import { restore } from "../RecordsAudit.ts"
import * as Tables from "./CreditTables.ts"

const signed = "What is signed cannot have been made here by mistake: somebody has changed the row, or the disk has."

/** The name of a flaw for programs, and what to do about it. */
const kinds: Readonly<Record<Invariant, Pick<Flaw, "name" | "fix">>> = {
  I1: { name: "ends-differ", fix: restore },
  I2: { name: "sum-not-zero", fix: restore },
  I3: { name: "sum-wrong", fix: `The chits count, not the sum. ${restore}` },
  I4: { name: "chit-unproved", fix: `${signed} ${restore}` },
  I5: { name: "chit-twice", fix: restore },
  I6: { name: "order-broken", fix: restore },
  I7: { name: "chit-lost", fix: restore },
  I8: { name: "lift-torn", fix: restore },
  I9: { name: "worth-wrong", fix: restore },
  I10: { name: "verdict-wrong", fix: `Keep the row: its signatures prove who has signed what. ${restore}` },
  I11: {
    name: "limit-exceeded",
    fix: "The pledges bind: let the users settle what is too much, and find out who made them."
  },
  I12: { name: "final-undone", fix: restore },
  I15: { name: "party-wrong", fix: `${signed} ${restore}` }
}

/** The row that a violation is about. */
type About =
  | { readonly half: TallyHalf; readonly chit?: ChitState | undefined }
  | { readonly table: "credit_lifts" | "credit_referees" }

const rowOf = (name: string, about: About): string => {
  if ("table" in about) return `${about.table} [${name}]`
  const { chit, half } = about
  if (chit !== undefined && chitName(chit) === name) {
    return `${Tables.chits.name} [${chit.holder}, ${chit.core.tally}, ${chit.core.uuid}]`
  }
  return nameOf(half) === name ? `${Tables.halves.name} [${half.holder}, ${half.id}]` : name
}

const flawOf = ({ about, detail, invariant }: Violation, row: About): Flaw => ({
  ...kinds[invariant],
  about: rowOf(about, row),
  detail: `${detail} (${invariant})`
})

/** Gathers what a check of one row after the other finds; amounts in it are milli-CHIP. */
export class CreditFlaws {
  /** What is looked at. */
  about: About
  #found: Array<Flaw> = []

  constructor(about: About) {
    this.about = about
  }

  readonly expect: Expect = (holds, invariant, about, detail) => {
    if (!holds) this.#found.push(flawOf({ invariant, about, detail }, this.about))
  }

  /** What was found since this was called last. */
  taken(): ReadonlyArray<Flaw> {
    const found = this.#found
    this.#found = []
    return found
  }
}
