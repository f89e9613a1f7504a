/**
 * What a party's node keeps of a tally: its half. The other half is at the partner's node, or at the same one.
 *
 * All sums are stock's view: positive is what foil owes stock, at both halves, so that halves that agree are equal.
 */
import { Schema } from "effect"
import { Chad, Cuid } from "./Chad.ts"
import { Certificate, shortText } from "./Certificate.ts"
import { Settings } from "./Chit.ts"
import { Head, Index, Position } from "./ChitLog.ts"
import { Contract, Side, Signatures, TallyDocument, TallyId, Terms } from "./TallyDocument.ts"
import { Balance, Units } from "./Units.ts"

/**
 * `offered`: this side has signed and waits for the other; `received`: the other way round. `void` and `closed` are for good, but for
 * a withdrawal that came after the other side had signed: that tally is open.
 */
export const Status = Schema.Literals(["draft", "offered", "received", "open", "closed", "void"])
export type Status = typeof Status.Type

/** An agreement in the making, before there is a document to sign. */
export const Draft = Schema.Struct({
  memo: shortText(1_024),
  agree: Contract,
  cert: Certificate,
  /** What this side grants, and what it asks the other one to grant. */
  terms: Terms,
  partnerTerms: Terms,
  /** Of a partner who has come with a ticket. */
  partner: Schema.optionalKey(Certificate)
})
export type Draft = typeof Draft.Type

/** Where the chain of chits stands, as of the half's side. */
export const Chain = Schema.Struct({
  /** The last chit that has a place here. */
  at: Position,
  /** Foil: the last place that stock was told of, and the last that stock has said to have. Stock: both are `at`'s. */
  told: Index,
  agreed: Index,
  /** Stock: its last place, as foil's agent has signed it; none before the first chit has one, and none at foil. */
  head: Schema.optionalKey(Head),
  /**
   * Good chits that have no place. Stock: its own, and either side's of lifts, until foil has ordered them. Foil: what it has ordered after its
   * database was restored, while stock shows it what it had ordered before.
   */
  unplaced: Schema.Natural,
  /** Stock has closed, as it says; foil may do so too. */
  closedThere: Schema.Boolean
})
export type Chain = typeof Chain.Type

/** What the half is worth now, and what may still move. */
export const Sums = Schema.Struct({
  /** All good chits, whether they have a place or not. */
  net: Balance,
  /** What promised lifts will move: up, towards stock, and down, towards foil. */
  up: Units,
  down: Units
})
export type Sums = typeof Sums.Type

export const TallyHalf = Schema.Struct({
  /** Whose half it is: with the id its name here. */
  holder: Cuid,
  id: TallyId,
  side: Side,
  /** The other party and its node, once it is known. */
  partner: Schema.optionalKey(Chad),
  status: Status,
  /** The partner has begun it, and this side has signed nothing of it: once it is void nobody can be held to anything. */
  isTheirs: Schema.optionalKey(Schema.Boolean),
  /** What this side has said and the other one has not taken in yet. */
  wish: Schema.optionalKey(Schema.Literals(["withdraw", "open"])),
  /** The highest revision of the document that this half has seen. */
  revision: Schema.Natural,
  draft: Schema.optionalKey(Draft),
  /** The document of `revision`, once somebody has offered one. */
  document: Schema.optionalKey(TallyDocument),
  signs: Signatures,
  /** What either side has set, in the order of the chain. */
  sets: Schema.Struct({ stock: Settings, foil: Settings }),
  sums: Sums,
  /** Once it is open. */
  chain: Schema.optionalKey(Chain),
  /** Why the partner's node refuses what this half has to say, until both have the same again. */
  objection: Schema.optionalKey(shortText(64)),
  /** Chits that take no effect and are kept to be shown; none where it is not there. */
  evidence: Schema.optionalKey(Schema.Natural),
  /** Why a person has to look at it; nothing is written on it meanwhile. */
  trouble: Schema.optionalKey(shortText(256))
})
export type TallyHalf = typeof TallyHalf.Type
