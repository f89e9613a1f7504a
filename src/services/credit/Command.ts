/**
 * What a user tells their node to do, as programs, the command line and HTTP say it, and what comes of it.
 *
 * Ids that are left out are made by the node. Whoever keeps their key themselves brings signatures: `Document.digest`, `Chit.digest` and
 * `LiftPlan.digest` say of what.
 */
import { Schema } from "effect"
import type { Unfit } from "../../protocol/credit/Action.ts"
import { UuidText } from "../../protocol/Cbor.ts"
import { Certificate, shortText } from "../../protocol/credit/Certificate.ts"
import { Person } from "../../protocol/credit/Chad.ts"
import { ChitId, Settings, WrittenId } from "../../protocol/credit/Chit.ts"
import { Invitation } from "../../protocol/credit/Invitation.ts"
import { Instant } from "../../protocol/credit/Instant.ts"
import { LiftId, longestMillis, mostReferees, Referee, SignedPlan } from "../../protocol/credit/LiftPlan.ts"
import { QueryId } from "../../protocol/credit/Route.ts"
import { Signature, UserKey } from "../../protocol/credit/Signature.ts"
import { Contract, Side, TallyDocument, TallyId, Terms } from "../../protocol/credit/TallyDocument.ts"
import { SomeUnits } from "../../protocol/credit/Units.ts"

const { chad: _chad, date: _date, public: _public, ...profile } = Certificate.fields

const revision = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))
const memo = Schema.optionalKey(shortText(1_024))
const sign = Schema.optionalKey(Signature)
/** Of a chit whose signature is brought: it is signed as well. */
const date = Schema.optionalKey(Instant)

/** Terms that a tally shall have, as its drafter wants them. */
const Wanted = {
  side: Side,
  /** What this side grants, and what it asks the other one to grant. */
  terms: Terms,
  partnerTerms: Terms,
  memo,
  agree: Schema.optionalKey(Contract)
}

/** The longest life of a ticket, in milliseconds. */
export const longestTicketMillis = 3_660 * 86_400_000

/** How long a ticket is good, in milliseconds. */
const TicketLife = Schema.Int.check(Schema.isBetween({ minimum: 1_000, maximum: longestTicketMillis }))
/** How long a lift may take, in milliseconds. */
const LiftLife = Schema.Int.check(Schema.isBetween({ minimum: 1_000, maximum: longestMillis }))

export const Command = Schema.Union([
  /** Makes the user, or changes what they tell of themselves. With a key the node does not sign for them. */
  Schema.TaggedStruct("PutUser", { ...profile, key: Schema.optionalKey(UserKey) }),
  /** Drafts a tally, or changes its draft. */
  Schema.TaggedStruct("DraftTally", { ...Wanted, tally: Schema.optionalKey(TallyId) }),
  /** A ticket for a draft: whoever shows it becomes the other party. */
  Schema.TaggedStruct("IssueTicket", { tally: TallyId, life: Schema.optionalKey(TicketLife), reuse: Schema.Boolean }),
  Schema.TaggedStruct("ShowTicket", { invitation: Invitation, request: Schema.optionalKey(UuidText) }),
  Schema.TaggedStruct("OfferTally", { tally: TallyId, document: Schema.optionalKey(TallyDocument), sign }),
  Schema.TaggedStruct("AcceptTally", { tally: TallyId, revision, sign }),
  Schema.TaggedStruct("RefuseTally", { tally: TallyId, revision }),
  /** Refuses the offer, and drafts something else. */
  Schema.TaggedStruct("ReviseTally", { ...Wanted, tally: TallyId, revision }),
  Schema.TaggedStruct("WithdrawTally", { tally: TallyId }),
  Schema.TaggedStruct("ResendTally", { tally: TallyId }),
  /** Settings of this side; `close: true` lets the tally end at zero. */
  Schema.TaggedStruct("SetTally", { tally: TallyId, sets: Settings, chit: Schema.optionalKey(WrittenId), date, sign }),
  /** Asks the other side for a pledge; with the id of a declined invoice, asks anew. */
  Schema.TaggedStruct("Ask", {
    tally: TallyId,
    units: SomeUnits,
    memo,
    ref: memo,
    chit: Schema.optionalKey(WrittenId)
  }),
  Schema.TaggedStruct("Decline", { tally: TallyId, chit: ChitId, revision }),
  /** Pays unasked. */
  Schema.TaggedStruct("Pay", {
    tally: TallyId,
    units: SomeUnits,
    memo,
    ref: memo,
    chit: Schema.optionalKey(WrittenId),
    date,
    sign
  }),
  /** Pays an invoice that waits. */
  Schema.TaggedStruct("PayInvoice", { tally: TallyId, chit: ChitId, sign }),
  /** Looks for ways to somebody, or around in a circle without `to`. */
  Schema.TaggedStruct("FindWays", {
    to: Schema.optionalKey(Person),
    units: SomeUnits,
    query: Schema.optionalKey(QueryId)
  }),
  /** Pays somebody over as many tallies as it takes: finds a way, and lifts. Without `to` clears a circle. Only for whom the node signs. */
  Schema.TaggedStruct("PayOver", {
    to: Schema.optionalKey(Person),
    units: SomeUnits,
    memo,
    ref: memo,
    lift: Schema.optionalKey(LiftId),
    /** Who decides; those that the node is configured with unless said, or else the node itself. */
    referees: Schema.optionalKey(Schema.Array(Referee).check(Schema.isMinLength(1), Schema.isMaxLength(mostReferees))),
    /** For finding the way and for all promises together. */
    life: Schema.optionalKey(LiftLife)
  }),
  /** Begins a lift whose plan the payor has made and signed themselves. */
  Schema.TaggedStruct("Lift", SignedPlan.fields),
  /** The payor does not want it any more: void, unless it is good already. */
  Schema.TaggedStruct("AbortLift", { lift: LiftId })
])
export type Command = typeof Command.Type

/** What a command was about and made, as far as it has any; the rest is told by events and views. */
export const Done = Schema.Struct({
  tally: Schema.optionalKey(TallyId),
  chit: Schema.optionalKey(ChitId),
  query: Schema.optionalKey(QueryId),
  lift: Schema.optionalKey(LiftId),
  request: Schema.optionalKey(UuidText),
  invitation: Schema.optionalKey(Invitation)
})
export type Done = typeof Done.Type

/** Nothing was done: what the user wants does not fit what is. */
export class CreditRefused extends Schema.TaggedError<CreditRefused>()("CreditRefused", {
  /** `stale`: overtaken by what has happened since. `refused`: it does not fit at all. */
  outcome: Schema.Literals(["stale", "refused"]),
  /** A short name for programs, such as `no-room`. */
  reason: Schema.String,
  /** A sentence for people. */
  detail: Schema.String,
  /** Where the state is, such as a revision. */
  revision: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
  static of({ detail, outcome, reason, revision }: Unfit): CreditRefused {
    return new CreditRefused({ detail, outcome, reason, revision })
  }
}

/** The user has given another command under this key before. */
export class CommandKeyTaken extends Schema.TaggedError<CommandKeyTaken>()("CommandKeyTaken", { key: Schema.String }) {
  override get message(): string {
    return `the key "${this.key}" was used for another command: take a new one`
  }
}
