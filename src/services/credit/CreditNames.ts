/**
 * The names that metrics of credit have as labels: each list is complete or ends in `other`, so that no text of a user or of another node
 * becomes one, and the number of series is known beforehand.
 */
import type { CreditMessage } from "../../protocol/credit/CreditMessage.ts"
import type { Command } from "./Command.ts"

/** What is none of a list's names. */
export const other = "other"

const commands: Readonly<Record<Command["_tag"], true>> = {
  PutUser: true,
  DraftTally: true,
  IssueTicket: true,
  ShowTicket: true,
  OfferTally: true,
  AcceptTally: true,
  RefuseTally: true,
  ReviseTally: true,
  WithdrawTally: true,
  ResendTally: true,
  SetTally: true,
  Ask: true,
  Decline: true,
  Pay: true,
  PayInvoice: true,
  FindWays: true,
  PayOver: true,
  Lift: true,
  AbortLift: true
}

const messages: Readonly<Record<CreditMessage["_tag"], true>> = {
  Ticket: true,
  Offer: true,
  Open: true,
  Withdraw: true,
  Refuse: true,
  Revise: true,
  Invoice: true,
  Decline: true,
  Propose: true,
  Entered: true,
  Ack: true,
  Where: true,
  Fetch: true,
  History: true,
  Query: true,
  Found: true,
  None: true,
  Promise: true,
  Refusal: true,
  Ended: true,
  Inquire: true,
  Prepare: true,
  Ready: true,
  Decide: true,
  Voted: true,
  Unvoted: true
}

/** Kinds of commands, and of messages. */
export const commandKinds: ReadonlyArray<string> = Object.keys(commands)
export const messageKinds: ReadonlyArray<string> = Object.keys(messages)

/** Why a command or a message is refused. */
export const reasons: ReadonlyArray<string> = [
  "ahead",
  "another-document",
  "another-holder",
  "another-partner",
  "another-tally",
  "bad-authority",
  "bad-ballot",
  "bad-certificate",
  "bad-record",
  "bad-signature",
  "busy",
  "closed",
  "closing",
  "conflict",
  "key-taken",
  "key-unfit",
  "lift-void",
  "no-circle",
  "no-partner",
  "no-place",
  "no-record",
  "no-referee",
  "no-room",
  "no-tally",
  "not-a-draft",
  "not-a-partner",
  "not-a-way",
  "not-in-plan",
  "not-its-own",
  "not-its-partner",
  "not-its-user",
  "not-local",
  "not-open",
  "not-originator",
  "not-the-partner",
  "not-the-payee",
  "not-the-payor",
  "open",
  "other-key",
  "other-plan",
  "other-side",
  "other-tally",
  "own-pledge",
  "redeemed",
  "referees",
  "refused-before",
  "request-taken",
  "revision-reused",
  "ticket-expired",
  "ticket-limit",
  "ticket-unknown",
  "ticket-used",
  "too-late",
  "too-long",
  "too-much",
  "too-often",
  "trouble",
  "twice",
  "two-verdicts",
  "unknown-user",
  "unsigned",
  "unsigned-order",
  "with-oneself",
  "wrong-partner",
  "wrong-payor-key",
  "wrong-side",
  other
]

/** Kinds of events that say that an operator may have to act; they are told to the user as well, where it is about one's tally. */
export const alarms: ReadonlyArray<string> = [
  "chit.conflict",
  "chit.forged",
  "chit.misfit",
  "lift.contradiction",
  "lift.pending",
  "tally.stuck",
  "tally.trouble",
  other
]

/** Kinds of events for users. */
export const eventKinds: ReadonlyArray<string> = [
  "chit.asked",
  "chit.conflict",
  "chit.declined",
  "chit.forged",
  "chit.good",
  "chit.misfit",
  "lift.begun",
  "lift.good",
  "lift.void",
  "payment.begun",
  "payment.failed",
  "payment.good",
  "payment.void",
  "route.found",
  "route.none",
  "tally.closed",
  "tally.offered",
  "tally.open",
  "tally.received",
  "tally.refused",
  "tally.reopened",
  "tally.requested",
  "tally.revised",
  "tally.stuck",
  "tally.trouble",
  "tally.withdrawn",
  "ticket.expired",
  "ticket.granted",
  "ticket.refused",
  "user.added",
  "user.changed",
  other
]
