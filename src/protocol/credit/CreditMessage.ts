/**
 * What agents say to each other of tallies, chits, routes and lifts: the messages of the protocol `credit`.
 *
 * Each can come late, twice or out of order without harm: what it does follows from the state of what it is about. All carry texts and
 * whole numbers only, so that what is signed is what is sent.
 */
import { Schema } from "effect"
import { UuidText } from "../Cbor.ts"
import { NodeKey } from "../NodeKey.ts"
import { Certificate, shortText } from "./Certificate.ts"
import * as Chit from "./Chit.ts"
import * as ChitLog from "./ChitLog.ts"
import * as LiftPlan from "./LiftPlan.ts"
import * as LiftRecord from "./LiftRecord.ts"
import * as Route from "./Route.ts"
import { Signature } from "./Signature.ts"
import * as Tally from "./TallyDocument.ts"
import { Token } from "./Token.ts"

/** Chits or entries in one message, at most, and positions in a comparison. */
export const mostEntries = 32
export const mostPositions = 48

const message = Schema.TaggedStruct
const tally = Tally.TallyId
const Entries = Schema.Array(ChitLog.Entry).check(Schema.isMaxLength(mostEntries))
const Revision = Tally.TallyDocument.fields.revision
/** Whose half it comes from: both can be at one node. */
const by = Tally.Side

// Tallies.

/** Somebody has a ticket and wants the tally that it is for. `request` makes it one however often it comes. */
export const Ticket = message("Ticket", { token: Token, request: UuidText, cert: Certificate })
/** A document, signed by the party that offers it; against an offer it is a counter-offer, of a higher revision. */
export const Offer = message("Offer", { by, document: Tally.TallyDocument, signs: Tally.Signatures })
/** Both have signed. `heard`: the sender knows that the receiver has the tally open, too, and waits for no answer. */
export const Open = message("Open", {
  by,
  document: Tally.TallyDocument,
  signs: Tally.Signatures,
  heard: Schema.Boolean
})
/** The party that has offered this revision takes it back. */
export const Withdraw = message("Withdraw", { tally, by, revision: Revision })
/** The sender has not signed this revision, and will not. */
export const Refuse = message("Refuse", { tally, by, revision: Revision })
/** The same, but that the sender is working on something else. */
export const Revise = message("Revise", { tally, by, revision: Revision })

// Chits.

/** A pledge that its issuer is asked to sign; a higher revision takes the place of a lower one. */
export const Invoice = message("Invoice", { core: Chit.Pledge, revision: Revision })
export const Decline = message("Decline", { tally, chit: Chit.ChitId, revision: Revision })

// The chain. Stock proposes, says what it has, and asks; foil orders.

/** Chits of stock's that have no place yet, and the last place that stock knows. */
export const Propose = message("Propose", { tally, chits: Entries, at: ChitLog.Position })
/** What comes behind a place; `head` is the last of these, signed. Without entries foil asks whether stock has that place. */
export const Entered = message("Entered", { tally, after: ChitLog.Position, entries: Entries, head: ChitLog.Head })
/** Stock has everything up to there. `closed`: and has closed the tally. */
export const Ack = message("Ack", { tally, at: ChitLog.Position, closed: Schema.Boolean })
/** Stock does not have what comes before, or looks whether both have the same: places of its own, the newest first, and the newest as foil has signed it. */
export const Where = message("Where", {
  tally,
  places: Schema.Array(ChitLog.Position).check(Schema.isMinLength(1), Schema.isMaxLength(mostPositions)),
  head: Schema.optionalKey(ChitLog.Head)
})
/** Foil lacks what it has once ordered: what comes behind the last of its places that stock has named, please. */
export const Fetch = message("Fetch", { tally, after: ChitLog.Index })
/** What foil has ordered and lost; `head` is the last of these, as foil has signed it. */
export const History = message("History", { tally, after: ChitLog.Position, entries: Entries, head: ChitLog.Head })

// Routes.

// Both halves of a tally may be at one node: `by`, the side that value would come from and that asks, says whose half is meant.

/** Is there a way over this tally? */
export const Query = message("Query", { ...Route.Query.fields, tally, by: Tally.Side })
/** There is: its first leg is the tally's. */
export const Found = message("Found", { query: Route.QueryId, tally, way: Route.Way })
/** There is none, for who has asked at this step and with this time: what was asked before or after may have another answer. */
export const None = message("None", {
  query: Route.QueryId,
  tally,
  by: Tally.Side,
  step: Route.Query.fields.step,
  expires: Route.Query.fields.expires
})

// Lifts.

const Promises = Schema.Array(LiftRecord.Promised).check(Schema.isMaxLength(LiftPlan.mostLegs + 1))
const Digested = { lift: LiftPlan.LiftId, plan: ChitLog.Position.fields.hash }

/** All nodes before have promised; it is the receiver's turn. */
export const Promise = message("Promise", { ...LiftPlan.SignedPlan.fields, promises: Promises })
/** A node of the plan does not promise, and never will. */
export const Refusal = message("Refusal", { ...Digested, node: NodeKey, reason: shortText(64), sign: Signature })
/** How it ended. */
export const Ended = message("Ended", { record: LiftRecord.LiftRecord })
/** Has it ended? Answered with `Ended` or not at all. */
export const Inquire = message("Inquire", Digested)

// Referees.

/** Evidence that a lift cannot become good: a node's refusal, or the originator's wish. */
export const Against = Schema.Struct({ node: NodeKey, why: Schema.Literals(["refusal", "abort"]), sign: Signature })
export type Against = typeof Against.Type

/** A referee says what it has voted last, and takes part in no earlier ballot any more. */
export const Readiness = Schema.Struct({
  referee: NodeKey,
  voted: Schema.optionalKey(Schema.Struct({ ballot: LiftRecord.Ballot, verdict: LiftRecord.Verdict, sign: Signature })),
  sign: Signature
})
export type Readiness = typeof Readiness.Type

/** A new ballot begins. */
export const Prepare = message("Prepare", { ...LiftPlan.SignedPlan.fields, ballot: LiftRecord.Ballot })
/** Whoever asks cannot be told a vote for `good` without what makes a record of it: `promises` are of all nodes then. */
export const Ready = message("Ready", {
  ...Digested,
  ballot: LiftRecord.Ballot,
  readiness: Readiness,
  promises: Promises
})
/** Vote. In round 0 and wherever the vote is free, `promises` are for `good`; `against`, or time that is over, for `void`. */
export const Decide = message("Decide", {
  ...LiftPlan.SignedPlan.fields,
  ballot: LiftRecord.Ballot,
  verdict: LiftRecord.Verdict,
  promises: Promises,
  against: Schema.optionalKey(Against),
  ready: Schema.Array(Readiness).check(Schema.isMaxLength(LiftPlan.mostReferees))
})
export const Voted = message("Voted", {
  ...Digested,
  ballot: LiftRecord.Ballot,
  verdict: LiftRecord.Verdict,
  vote: LiftRecord.Vote
})
/**
 * The referee does not vote so, now or ever: it is in a later ballot, there is no reason for that verdict, the time is over by its clock, or
 * its database was restored, and it may have voted otherwise.
 */
export const Unvoted = message("Unvoted", {
  ...Digested,
  ballot: LiftRecord.Ballot,
  why: Schema.Literals(["later-ballot", "too-early", "too-late", "no-evidence", "declined", "forgotten"]),
  later: Schema.optionalKey(LiftRecord.Ballot)
})

export const CreditMessage = Schema.Union([
  Ticket,
  Offer,
  Open,
  Withdraw,
  Refuse,
  Revise,
  Invoice,
  Decline,
  Propose,
  Entered,
  Ack,
  Where,
  Fetch,
  History,
  Query,
  Found,
  None,
  Promise,
  Refusal,
  Ended,
  Inquire,
  Prepare,
  Ready,
  Decide,
  Voted,
  Unvoted
])
export type CreditMessage = typeof CreditMessage.Type
