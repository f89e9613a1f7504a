/**
 * What credit looks for in its own state when a node is audited: the invariants I1 to I16 (docs/credit.md, "Audit") as far as one
 * database shows them at one moment, from the signatures up.
 *
 * Takes time linear in the rows, most of it for signatures, and holds a page of rows at a time, however long a chain is. I1 is
 * judged where both ends of a tally are here; I2, I13 and I14 take the other nodes or the messages, I12 takes two moments.
 */
import type { Examination } from "../delivery/ProtocolAudit.ts"
import type { Identity } from "../link/Identity.ts"
import type { Records } from "../Records.ts"
import * as RecordsAudit from "../RecordsAudit.ts"
import * as Tables from "./CreditTables.ts"
import * as HalfAudit from "./HalfAudit.ts"
import * as LiftAudit from "./LiftAudit.ts"
import * as PairAudit from "./PairAudit.ts"

/** For `audit` of the protocol. */
export const checks: ReadonlyArray<Examination<Records | Identity>> = [
  RecordsAudit.rows(Tables.users),
  RecordsAudit.rows(Tables.halves),
  HalfAudit.chits,
  RecordsAudit.rows(Tables.evidence),
  RecordsAudit.rows(Tables.tickets),
  RecordsAudit.rows(Tables.redemptions),
  RecordsAudit.rows(Tables.requests),
  RecordsAudit.rows(Tables.lifts),
  RecordsAudit.rows(Tables.referees),
  RecordsAudit.rows(Tables.routes),
  RecordsAudit.rows(Tables.payments),
  RecordsAudit.rows(Tables.commands),
  HalfAudit.halves,
  PairAudit.pairs,
  LiftAudit.lifts,
  LiftAudit.referees
]
