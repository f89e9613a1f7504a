/**
 * How parties come to a document: one drafts and offers, the other may offer something else, each time with a higher revision, and
 * of two offers with the same revision that of the first party stands, whom `PartyCheck.isBefore` names.
 *
 * A half signs nothing older than what it has seen or offered, so there are never two documents that both have signed.
 */
import { answering, stepped, unfit } from "./Action.ts"
import type * as Message from "./CreditMessage.ts"
import { asOwn, blank, isOpened, opened, sendOpen, settled } from "./Opening.ts"
import { foreign, isBefore, isSame, isShown, placeOf, strange } from "./PartyCheck.ts"
import * as Document from "./TallyDocument.ts"
import { type Drafted, type Heard, type Offered, type Redeemed, send, tell, type TallyStep } from "./TallyEvent.ts"
import type { TallyHalf } from "./TallyHalf.ts"

/** The holder drafts: nobody else learns of it. */
export const draft = (half: TallyHalf | undefined, { draft, holder, id, side }: Drafted): TallyStep => {
  if (half === undefined) return stepped({ ...blank(holder, id, side), draft })
  const isFree = half.status === "draft" || (half.status === "void" && half.wish === undefined)
  if (!isFree || half.side !== side)
    return unfit("refused", "not-a-draft", "It is not in drafting: withdraw, refuse or revise first.", placeOf(half))
  // Who has come with a ticket stays the partner.
  const partner = half.draft?.partner
  return stepped({ ...half, status: "draft", draft: { ...draft, ...(partner && { partner }) } })
}

/** Somebody has come with a ticket: the holder sees who it is and offers. */
export const redeem = (half: TallyHalf | undefined, event: Redeemed): TallyStep => {
  const { draft, from, holder, id, partner, side } = event
  if (partner.chad.agent !== from)
    return unfit("refused", "not-the-partner", "The certificate is of another node's user.", placeOf(half))
  if (half?.partner !== undefined && isSame(half.partner, partner.chad))
    return unfit("stale", "redeemed", "The ticket was redeemed by the same party.", placeOf(half))
  if (half !== undefined && (half.partner !== undefined || half.status !== "draft"))
    return unfit(
      "refused",
      "redeemed",
      "The ticket was redeemed by somebody else, or the draft is gone.",
      placeOf(half)
    )
  const base: TallyHalf = half ?? { ...blank(holder, id, side), isTheirs: true, draft }
  const state: TallyHalf = {
    ...base,
    partner: partner.chad,
    draft: { ...(base.draft ?? draft), partner }
  }
  return stepped(state, tell(state, "tally.requested"))
}

/** The holder offers. It is said again until the partner has answered. */
export const offer = (half: TallyHalf, { document, me, own, sign }: Offered): TallyStep => {
  if (isOpened(half)) return unfit("refused", "open", "The tally is open.", placeOf(half))
  const wrong = strange(half, document, half.side, me)
  if (wrong !== undefined) return wrong
  if (document.revision <= half.revision)
    return unfit("stale", "old-revision", `The offer must be later than revision ${half.revision}.`, placeOf(half))
  if (!isShown(half, document[half.side].cert, own))
    return unfit("refused", "bad-certificate", "The holder has not given this certificate.", placeOf(half))
  if (!Document.isSignedBy(document, half.side, sign))
    return unfit("refused", "bad-signature", "The signature is not by the certificate's key.", placeOf(half))
  const state: TallyHalf = {
    ...asOwn(half),
    partner: document[Document.other(half.side)].cert.chad,
    status: "offered",
    revision: document.revision,
    document,
    signs: { [half.side]: sign }
  }
  return stepped(state, ...send(state, offerMessage(state)[0]!), tell(state, "tally.offered"))
}

/** The half's offer, while its holder's signature is out and the partner has not answered; none otherwise. */
export const offerMessage = (half: TallyHalf): ReadonlyArray<typeof Message.Offer.Type> => {
  const { document, side, signs } = half
  const sign = signs[side]
  if (isOpened(half) || document === undefined || sign === undefined) return []
  return [{ _tag: "Offer", by: side, document, signs: { [side]: sign } }]
}

/** The partner offers. */
export const hearOffer = (half: TallyHalf | undefined, event: Heard<typeof Message.Offer.Type>): TallyStep => {
  const { by, document } = event.message
  const wrong = strange(half, document, Document.other(by), event.me) ?? foreignOffer(half, event)
  if (wrong !== undefined) return wrong
  if (half === undefined) return receive(half, event)
  if (isOpened(half)) return answering(late(half, "The tally is open."), ...sendOpen(half, false))
  if (document.revision > half.revision) return receive(half, event)
  if (document.revision < half.revision || half.document === undefined) return behind(half, document.revision)
  return sameRevision(half, half.document, event)
}

/**
 * It must come from the partner's node. A draft of nobody's yet takes it from the node that the document names: only who was offered the
 * tally knows its id, and so that offer was lost here with a database.
 */
const foreignOffer = (half: TallyHalf | undefined, { from, message }: Heard<typeof Message.Offer.Type>) => {
  if (half?.partner !== undefined) return foreign(half, from, message.by)
  return message.document[message.by].cert.chad.agent === from
    ? undefined
    : unfit("refused", "not-the-partner", "The document is of another node's user.", placeOf(half))
}

const late = (half: TallyHalf, detail: string) => unfit("stale", half.status, detail, placeOf(half))

/** An offer that this half is past: where it will never be accepted, the partner is told so again. */
const behind = (half: TallyHalf, revision: number): TallyStep => {
  const why = late(half, `Revision ${half.revision} is here already.`)
  const answer = { tally: half.id, by: half.side, revision }
  if (half.status === "draft") return answering(why, ...send(half, { _tag: "Revise", ...answer }))
  if (half.status === "void" && half.wish === undefined)
    return answering(why, ...send(half, { _tag: "Refuse", ...answer }))
  return why
}

const sameRevision = (
  half: TallyHalf,
  mine: Document.TallyDocument,
  event: Heard<typeof Message.Offer.Type>
): TallyStep => {
  const { by, document, signs } = event.message
  const ownSign = half.signs[half.side]
  const isSameDocument = Document.digest(mine) === Document.digest(document)
  if (ownSign === undefined) {
    return isSameDocument || half.status !== "received"
      ? behind(half, document.revision)
      : unfit("refused", "revision-reused", "Another document was offered with this revision.", placeOf(half))
  }
  if (isSameDocument && Document.isSignedBy(document, by, signs[by])) {
    // Both have offered the same, word for word, and so both have signed it.
    const state: TallyHalf = { ...opened(half, document, { ...signs, [half.side]: ownSign }), wish: "open" }
    return stepped(state, ...sendOpen(state, false), tell(state, "tally.open"))
  }
  return isBefore(document[by].cert.chad, document[half.side].cert.chad)
    ? receive(half, event)
    : late(half, "Both have offered with this revision, and the other offer stands.")
}

const receive = (half: TallyHalf | undefined, event: Heard<typeof Message.Offer.Type>): TallyStep => {
  const { by, document, signs } = event.message
  const side = Document.other(by)
  const sign = signs[by]
  if (!isShown(half, document[side].cert, event.own))
    return unfit("refused", "bad-certificate", "The party has not given this certificate.", placeOf(half))
  if (sign === undefined || !Document.isSignedBy(document, by, sign))
    return unfit("refused", "bad-signature", "The offer is not signed by its party's key.", placeOf(half))
  const state: TallyHalf = {
    ...settled(half ?? { ...blank(document[side].cert.chad.cuid, document.uuid, side), isTheirs: true }),
    partner: document[by].cert.chad,
    status: "received",
    revision: document.revision,
    document,
    signs: { [by]: sign }
  }
  return stepped(state, tell(state, "tally.received"))
}
