/**
 * An invoice: the pledge that its issuer is asked to sign, at the half of who asks and at that of who is asked.
 *
 * Paying makes it a good chit, which the chain brings to the other half; so it can be paid without having been asked, and what
 * comes late of the invoice changes nothing. Declined, it can be asked anew with a higher revision. Its core never changes.
 */
import type { NodeKey } from "../NodeKey.ts"
import { type Action, answering, type Stepped, stepped, type Unfit, unfit } from "./Action.ts"
import type { ChitState } from "./ChitState.ts"
import * as Chit from "./Chit.ts"
import type * as Message from "./CreditMessage.ts"
import { foreign } from "./PartyCheck.ts"
import type { Signature } from "./Signature.ts"
import { other } from "./TallyDocument.ts"
import { send } from "./TallyEvent.ts"
import type { TallyHalf } from "./TallyHalf.ts"

type Pledge = typeof Chit.Pledge.Type

/** `now`: milliseconds since 1970. */
export type InvoiceEvent = { readonly now: number } & (
  | /** The holder asks; the same again where it was declined. */ { readonly _tag: "Ask"; readonly core: Pledge }
  /** The holder does not pay what they are asked with this revision. */
  | { readonly _tag: "Decline"; readonly revision: number }
  /** The node of who is asked has refused the invoice of this revision, for a reason with a short name. */
  | { readonly _tag: "Rejected"; readonly revision: number; readonly reason: string }
  /** The holder pays with their signature. Whether there is room for it is to be looked at before: see `Capacity`. */
  | { readonly _tag: "Pay"; readonly sign: Signature }
  /** A message of the node that `from` names, as the link has proved. */
  | {
      readonly _tag: "Heard"
      readonly from: NodeKey
      readonly message: typeof Message.Invoice.Type | typeof Message.Decline.Type
    }
)

export type InvoiceStep = Stepped<ChitState> | Unfit

/** What an event does to the chit of this id on this half, `undefined` if there is none yet. */
export const step = (half: TallyHalf, chit: ChitState | undefined, event: InvoiceEvent): InvoiceStep => {
  switch (event._tag) {
    case "Ask":
      return ask(half, chit, event.core, event.now)
    case "Decline":
      return decline(half, chit, event.revision, event.now)
    case "Rejected":
      return rejected(half, chit, event)
    case "Pay":
      return pay(half, chit, event.sign, event.now)
    case "Heard": {
      const { from, message, now } = event
      const by = message._tag === "Invoice" ? other(message.core.by) : chit?.core.by
      const wrong = foreign(half, from, by ?? other(half.side))
      if (wrong !== undefined) return wrong
      return message._tag === "Invoice" ? asked(half, chit, message, now) : declined(half, chit, message, now)
    }
  }
}

/** What who asks says until it is answered; nothing at the other half. */
export const owed = (half: TallyHalf, chit: ChitState): ReadonlyArray<typeof Message.Invoice.Type> =>
  chit.status === "asked" && chit.core.type === "tran" && chit.core.by !== half.side
    ? [{ _tag: "Invoice", core: chit.core, revision: chit.revision }]
    : []

/**
 * What a good chit is to one that may be here already: `new`, the payment of an invoice that waits or was declined, `same` as one
 * that is good already, or a `conflict`: another content under one id.
 */
export const meets = (here: ChitState | undefined, core: Chit.Core): "new" | "payment" | "same" | "conflict" => {
  if (here === undefined) return "new"
  if (Chit.digest(here.core) !== Chit.digest(core)) return "conflict"
  return here.status === "good" ? "same" : "payment"
}

const placeOf = (chit: ChitState | undefined): string => (chit === undefined ? "" : String(chit.revision))

const late = (chit: ChitState | undefined, detail: string) =>
  unfit("stale", chit?.status ?? "unknown-chit", detail, placeOf(chit))

const refused = (chit: ChitState | undefined, reason: string, detail: string) =>
  unfit("refused", reason, detail, placeOf(chit))

const tell = (
  half: TallyHalf,
  { core, revision, status }: ChitState,
  kind: string,
  more: Readonly<Record<string, unknown>> = {}
): Action => ({
  _tag: "Tell",
  user: half.holder,
  subject: half.id,
  kind,
  body: {
    tally: half.id,
    chit: core.uuid,
    by: core.by,
    revision,
    status,
    ...(core.type === "tran" && { units: String(core.units) }),
    ...more
  }
})

/** Why nothing can be asked on this tally now; undefined if it can. */
const shut = (half: TallyHalf, chit: ChitState | undefined, core: Chit.Core): Unfit | undefined => {
  if (half.status === "closed") return refused(chit, "not-open", "The tally is closed.")
  // Whoever asks has it open: this half does not know that yet, or has forgotten it.
  if (half.status !== "open") return unfit("stale", "not-open", "The tally is not open.")
  if (half.trouble !== undefined) return refused(chit, "trouble", "A person has to look at the tally first.")
  if (core.tally !== half.id) return refused(chit, "another-tally", "The invoice is for another tally.")
  if (chit !== undefined && meets(chit, core) === "conflict")
    return refused(chit, "conflict", "There is another chit of this id.")
  return undefined
}

const ask = (half: TallyHalf, chit: ChitState | undefined, core: Pledge, now: number): InvoiceStep => {
  const wrong = shut(half, chit, core)
  if (wrong !== undefined) return wrong
  if (core.by === half.side) return refused(chit, "own-pledge", "Only the other side can be asked for its pledge.")
  if (chit !== undefined && chit.status !== "void") return late(chit, "It is asked already, or paid.")
  const revision = (chit?.revision ?? 0) + 1
  if (revision > mostRevisions) return refused(chit, "too-often", "It was asked too often.")
  const state: ChitState = { holder: half.holder, core, status: "asked", revision, changed: now }
  const messages = owed(half, state).flatMap((message) => send(half, message))
  return stepped(state, ...messages, tell(half, state, "chit.asked"))
}

/** As often as messages can say. */
const mostRevisions = 1_000_000

const asked = (
  half: TallyHalf,
  chit: ChitState | undefined,
  { core, revision }: typeof Message.Invoice.Type,
  now: number
): InvoiceStep => {
  const wrong = shut(half, chit, core)
  if (wrong !== undefined) return wrong
  if (chit?.status === "good") return late(chit, "It is paid.")
  if (chit !== undefined && revision <= chit.revision) {
    const why = late(chit, `Revision ${chit.revision} is here already.`)
    if (chit.status === "asked") return why
    return answering(why, ...send(half, { _tag: "Decline", tally: half.id, chit: core.uuid, revision }))
  }
  const state: ChitState = { holder: half.holder, core, status: "asked", revision, changed: now }
  return stepped(state, tell(half, state, "chit.asked"))
}

const decline = (half: TallyHalf, chit: ChitState | undefined, revision: number, now: number): InvoiceStep => {
  if (chit?.status !== "asked" || chit.core.type !== "tran" || chit.core.by !== half.side || chit.revision !== revision)
    return late(chit, "No invoice of this revision waits to be paid.")
  const state: ChitState = { ...chit, status: "void", changed: now }
  const message = { _tag: "Decline", tally: half.id, chit: chit.core.uuid, revision } as const
  return stepped(state, ...send(half, message), tell(half, state, "chit.declined"))
}

const declined = (
  half: TallyHalf,
  chit: ChitState | undefined,
  { revision, tally }: typeof Message.Decline.Type,
  now: number
): InvoiceStep => {
  // A higher revision than this half knows was asked before its database was restored.
  if (chit?.status !== "asked" || chit.core.type !== "tran" || tally !== half.id || revision < chit.revision)
    return late(chit, "No invoice of this revision waits.")
  const state: ChitState = { ...chit, status: "void", revision, changed: now }
  return stepped(state, tell(half, state, "chit.declined"))
}

/** As if it were declined, but by nobody: it can be asked anew. */
const rejected = (
  half: TallyHalf,
  chit: ChitState | undefined,
  { now, reason, revision }: Extract<InvoiceEvent, { readonly _tag: "Rejected" }>
): InvoiceStep => {
  if (chit?.status !== "asked" || chit.core.type !== "tran" || chit.core.by === half.side || chit.revision !== revision)
    return late(chit, "No invoice of this revision waits.")
  const state: ChitState = { ...chit, status: "void", changed: now }
  return stepped(state, tell(half, state, "chit.declined", { reason }))
}

/** It binds as soon as it is signed; the chain places it and brings it to the other half. */
const pay = (half: TallyHalf, chit: ChitState | undefined, sign: Signature, now: number): InvoiceStep => {
  if (chit?.status !== "asked" || chit.core.type !== "tran" || chit.core.by !== half.side)
    return late(chit, "No invoice waits to be paid.")
  const wrong = shut(half, chit, chit.core)
  if (wrong !== undefined) return wrong
  if (half.document === undefined || !Chit.isSignedBy({ core: chit.core, sign }, half.document[half.side].cert.public))
    return refused(chit, "bad-signature", "The signature is not by the certificate's key.")
  const state: ChitState = { ...chit, status: "good", sign, changed: now }
  return stepped(state, tell(half, state, "chit.good"))
}
