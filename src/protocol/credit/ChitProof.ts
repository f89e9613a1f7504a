/**
 * Why a chit binds: the signature of its issuer, or the record of its lift.
 */
import type { Begun } from "./ChainStep.ts"
import * as Chit from "./Chit.ts"
import type { ChitState } from "./ChitState.ts"
import type { Entry } from "./ChitLog.ts"
import * as LiftPlan from "./LiftPlan.ts"
import * as LiftRecord from "./LiftRecord.ts"
import { other } from "./TallyDocument.ts"

export type Fault = "other-tally" | "bad-signature" | "no-record" | "bad-record" | "lift-void" | "too-much" | "twice"

/** The record is a `good` one, and its plan puts exactly this chit on this tally, between its two nodes. */
const isRecorded = ({ document }: Begun, core: Chit.Core, record: LiftRecord.LiftRecord): boolean => {
  if (core.type !== "lift" || record.verdict !== "good") return false
  const leg = record.plan.legs[core.leg]
  if (leg === undefined || document[leg.by].cert.chad.agent !== leg.from) return false
  if (document[other(leg.by)].cert.chad.agent !== leg.to) return false
  return Chit.digest(LiftPlan.chitOf(record.plan, core.leg)) === Chit.digest(core) && LiftRecord.isValid(record)
}

/** What is wrong with a chit; none if it binds. */
export const fault = (half: Begun, { chit, record }: Entry): Fault | undefined => {
  const { core } = chit
  if (core.tally !== half.id) return "other-tally"
  if (core.type !== "lift") {
    return Chit.isSignedBy(chit, half.document[core.by].cert.public) ? undefined : "bad-signature"
  }
  // A signature would be a second form of the same chit, with another hash.
  if (chit.sign !== undefined) return "bad-signature"
  if (record === undefined) return "no-record"
  return isRecorded(half, core, record) ? undefined : "bad-record"
}

export const isSameCore = (known: ChitState, core: Chit.Core): boolean => Chit.digest(known.core) === Chit.digest(core)

/** Whether it is good here already by the same proof, which then needs no second look. */
export const isProved = (known: ChitState | undefined, { core, sign }: Chit.Chit): boolean =>
  known?.status === "good" && known.sign === sign && isSameCore(known, core)

/** A chit that is good here, as it is sent. */
export const entryOf = ({ core, record, sign }: ChitState): Entry => ({
  chit: { core, ...(sign === undefined ? {} : { sign }) },
  ...(record === undefined ? {} : { record })
})
