/**
 * What a node of a plan keeps of a lift: what it has answered, what it knows, and what it is asking for.
 *
 * One lift id, one plan: another plan under the same id is refused for ever.
 */
import { Schema } from "effect"
import { Digest } from "./Canonical.ts"
import { NodeKey } from "../NodeKey.ts"
import { shortText } from "./Certificate.ts"
import { Against, Readiness } from "./CreditMessage.ts"
import { LiftPlan, mostLegs, mostReferees } from "./LiftPlan.ts"
import { Ballot, LiftRecord, Promised, Verdict, Vote } from "./LiftRecord.ts"
import { Signature } from "./Signature.ts"

/**
 * `promised`: value is reserved until a record says what becomes of it. `refused`: nothing is reserved, and this node never promises
 * the plan. `good` and `void`: there is a record.
 */
export const Status = Schema.Literals(["promised", "refused", "good", "void"])
export type Status = typeof Status.Type

/** A ballot that this node has begun, or the first one that it has asked to vote in. */
export const Asking = Schema.Struct({
  ballot: Ballot,
  /** What it has asked to be voted, once it has. */
  verdict: Schema.optionalKey(Verdict),
  ready: Schema.Array(Readiness).check(Schema.isMaxLength(mostReferees)),
  /** Votes for `verdict` in `ballot`. */
  votes: Schema.Array(Vote).check(Schema.isMaxLength(mostReferees))
})
export type Asking = typeof Asking.Type

export const LiftState = Schema.Struct({
  plan: LiftPlan,
  authority: Signature,
  /** Of the plan. */
  digest: Digest,
  status: Status,
  /** Why it was refused: here, or as is said by the node that has. */
  reason: Schema.optionalKey(shortText(64)),
  /** Who has come with it, where this node has refused it. */
  asker: Schema.optionalKey(NodeKey),
  /** Promises that this node has seen and checked, its own with them. */
  promises: Schema.Array(Promised).check(Schema.isMaxLength(mostLegs + 1)),
  /** Why it cannot become good, as far as somebody has signed that. */
  against: Schema.optionalKey(Against),
  /** The only referee does not decide on it: it can be void alone, and that at once. */
  isDeclined: Schema.optionalKey(Schema.Boolean),
  asking: Schema.optionalKey(Asking),
  /** Referees by whose clocks the time is over. */
  late: Schema.optionalKey(Schema.Array(NodeKey).check(Schema.isMaxLength(mostReferees))),
  /** The greatest round that this node has begun or was told of. */
  round: Schema.Natural,
  /** How often it has asked in vain. */
  attempts: Schema.Natural,
  /** Milliseconds since 1970: when to ask. Not there where nothing is to be asked. */
  wakeAt: Schema.optionalKey(Schema.Int),
  record: Schema.optionalKey(LiftRecord),
  /** A second valid record, which says the opposite: referees have lied. The lift stays as it is, and both prove it. */
  contrary: Schema.optionalKey(LiftRecord)
})
export type LiftState = typeof LiftState.Type
