/**
 * What a referee keeps of a lift: the ballot it is ready for, how it has voted last, and the record once it knows it.
 *
 * Nothing of it may be forgotten: a referee that has forgotten what it has signed could help a second verdict. What it does then is in
 * `RefereeMemory`.
 */
import { Schema } from "effect"
import { Digest } from "./Canonical.ts"
import { Readiness } from "./CreditMessage.ts"
import { Instant } from "./Instant.ts"
import { LiftPlan, mostLegs } from "./LiftPlan.ts"
import { Ballot, LiftRecord, Promised } from "./LiftRecord.ts"
import { NodeKey } from "../NodeKey.ts"
import { Signature } from "./Signature.ts"

export const RefereeState = Schema.Struct({
  plan: LiftPlan,
  authority: Signature,
  /** Of the plan. */
  digest: Digest,
  /** Who has come with it; only what is known to be somebody's counts for them. */
  asker: Schema.optionalKey(NodeKey),
  /** The latest ballot that it was asked to be ready for or has voted in, from round 1 on. */
  ready: Schema.optionalKey(Ballot),
  voted: Readiness.fields.voted,
  /** Of all nodes, where it has voted `good`: for whoever makes the record. */
  promises: Schema.Array(Promised).check(Schema.isMaxLength(mostLegs + 1)),
  /** Its database was restored: who has asked since, in ballots behind `round`. */
  recall: Schema.optionalKey(
    Schema.Struct({
      /** The referee's horizon when it began. */
      until: Instant,
      round: Ballot.fields.round,
      nodes: Schema.Array(NodeKey).check(Schema.isMaxLength(mostLegs + 1))
    })
  ),
  record: Schema.optionalKey(LiftRecord),
  /** A second valid record, which says the opposite. */
  contrary: Schema.optionalKey(LiftRecord)
})
export type RefereeState = typeof RefereeState.Type
