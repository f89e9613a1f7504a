/**
 * What it means to its sender that a message was refused, does not fit, or was taken back unanswered (docs/credit.md, "Outcomes").
 *
 * Most messages are about a state that is said again until both have the same, and then nothing follows from how one of them ended. What
 * can never come is given up here, and people are told.
 */
import { Effect } from "effect"
import type { Unfit } from "../../protocol/credit/Action.ts"
import type { CreditMessage } from "../../protocol/credit/CreditMessage.ts"
import { other, type Side, type TallyId } from "../../protocol/credit/TallyDocument.ts"
import type { Outcome } from "../../protocol/delivery/Message.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { type Answer, nothing, untold } from "./Answer.ts"
import * as ChainDesk from "./ChainDesk.ts"
import * as Halves from "./Halves.ts"
import * as InvoiceDesk from "./InvoiceDesk.ts"
import * as LiftDesk from "./LiftDesk.ts"
import * as RouteDesk from "./RouteDesk.ts"
import * as TallyDesk from "./TallyDesk.ts"
import * as TicketDesk from "./TicketDesk.ts"

type Of<Tag extends CreditMessage["_tag"]> = Extract<CreditMessage, { readonly _tag: Tag }>

/** What the sender of a message is told that did not fit; ok without a reason. */
export const outcomeOf = (unfit: Unfit | undefined): Outcome => {
  if (unfit === undefined) return { _tag: "Ok" }
  const { detail, outcome, reason, revision } = unfit
  return outcome === "stale"
    ? { _tag: "Stale", revision: (revision || reason).slice(0, 128) }
    : { _tag: "Refused", reason: reason.slice(0, 64), detail: detail.slice(0, 1_024) }
}

/** A name for programs as it can be kept and shown; what is none was not said by a node like this one. */
const nameOf = (reason: string): string => (/^[a-z0-9-]{1,64}$/.test(reason) ? reason : "other")

/** The partner's node has no such tally, or not opened: its database was restored. */
const isForgotten = (outcome: Outcome): boolean =>
  outcome._tag === "Stale" && (outcome.revision === "unknown-tally" || outcome.revision === "not-open")

/** Says again that the tally is open, at whichever half of this node's is meant. */
const reopened = Effect.fnUntraced(function* (tally: TallyId, sides: ReadonlyArray<Side>, from: NodeKey) {
  for (const side of sides) {
    const half = yield* Halves.addressed(tally, side, from)
    if (half !== undefined) return yield* TallyDesk.forgotten(half)
  }
  return nothing
})

const ticket = (message: Of<"Ticket">, outcome: Outcome) => {
  if (outcome._tag === "Ok") return TicketDesk.concluded(message.request, "granted")
  const reason = outcome._tag === "Refused" ? nameOf(outcome.reason) : outcome._tag === "Stale" ? "stale" : "other"
  return TicketDesk.concluded(message.request, "refused", reason)
}

const chain = Effect.fnUntraced(function* (message: ChainDesk.Message, outcome: Outcome, from: NodeKey) {
  const side = other(ChainDesk.sideOf(message))
  if (isForgotten(outcome)) return yield* reopened(message.tally, [side], from)
  if (outcome._tag !== "Refused") return nothing
  const half = yield* Halves.addressed(message.tally, side, from)
  if (half === undefined) return nothing
  if (message._tag !== "Propose" || outcome.reason !== "conflict")
    return yield* ChainDesk.objected(half, nameOf(outcome.reason))
  const ids = message.chits.map(({ chit }) => chit.core.uuid)
  // As many as have room are named; the others are proposed again, and refused.
  return yield* ChainDesk.conflicted(
    half,
    ids.filter((id) => outcome.detail.includes(id))
  )
})

const invoice = Effect.fnUntraced(function* (message: InvoiceDesk.Invoiced, outcome: Outcome, from: NodeKey) {
  const isAsked = message._tag === "Invoice"
  const tally = isAsked ? message.core.tally : message.tally
  if (isForgotten(outcome)) {
    return yield* reopened(tally, isAsked ? [other(message.core.by)] : ["stock", "foil"], from)
  }
  return isAsked && outcome._tag === "Refused"
    ? yield* InvoiceDesk.rejected(message, nameOf(outcome.reason), from)
    : nothing
})

/** Nothing comes over that tally: as if the partner had said so. */
const query = (message: Of<"Query">, outcome: Outcome, from: NodeKey) =>
  outcome._tag === "Refused" || isForgotten(outcome)
    ? RouteDesk.refused(message, outcome._tag === "Refused" ? nameOf(outcome.reason) : "stale", from)
    : Effect.succeed(nothing)

/** The next node never promises: whoever has begun need not wait until the plan expires. */
const promise = ({ plan }: Of<"Promise">, outcome: Outcome) =>
  outcome._tag === "Refused" ? Effect.map(LiftDesk.abort(plan.lift), untold) : Effect.succeed(nothing)

/** How a message to `from` has ended, in the transaction that settles it. */
export const hear = Effect.fnUntraced(function* (message: CreditMessage, outcome: Outcome, from: NodeKey) {
  if (message._tag === "Ticket") return yield* ticket(message, outcome)
  if (outcome._tag === "Ok" || outcome._tag === "Later") return nothing
  if (ChainDesk.isMessage(message)) return yield* chain(message, outcome, from)
  if (InvoiceDesk.isMessage(message)) return yield* invoice(message, outcome, from)
  switch (message._tag) {
    case "Offer":
    case "Open":
    case "Withdraw":
      return outcome._tag === "Refused" ? yield* TallyDesk.rejected(message, nameOf(outcome.reason), from) : nothing
    case "Query": {
      const answer: Answer = yield* query(message, outcome, from)
      return answer
    }
    case "Promise": {
      const answer: Answer = yield* promise(message, outcome)
      return answer
    }
    default:
      return nothing
  }
})

/** The time of a message was over before it was answered, or an operator has taken it back. */
export const expired = (message: CreditMessage) =>
  message._tag === "Ticket" ? TicketDesk.concluded(message.request, "expired") : Effect.succeed(nothing)
