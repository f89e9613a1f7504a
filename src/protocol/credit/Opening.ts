/**
 * How a tally opens: by the signatures of both parties on one document. Whoever sees both has it open, also after having taken
 * the offer back or offered something newer, because the partner has accepted in time: so both come to the same.
 *
 * Only what the partner has said never to have signed stays void, unless the tally was open at both: then a party that has refused had forgotten
 * that with its database, and what both have signed binds.
 */
import { answering, stepped, unfit } from "./Action.ts"
import type { Certificate } from "./Certificate.ts"
import type { Cuid } from "./Chad.ts"
import { genesis } from "./ChitLog.ts"
import type * as Message from "./CreditMessage.ts"
import { foreign, isOwnKey, placeOf, strange } from "./PartyCheck.ts"
import * as Document from "./TallyDocument.ts"
import { type Accepted, type Heard, send, tell, type TallyStep } from "./TallyEvent.ts"
import type { TallyHalf } from "./TallyHalf.ts"

/** A half of which nothing is known but whose it is. */
export const blank = (holder: Cuid, id: Document.TallyId, side: Document.Side): TallyHalf => ({
  holder,
  id,
  side,
  status: "draft",
  revision: 0,
  signs: {},
  sets: { stock: {}, foil: {} },
  sums: { net: 0n, up: 0n, down: 0n }
})

/** The half without what it wanted to say. */
export const settled = (half: TallyHalf): TallyHalf => {
  const { wish: _, ...rest } = half
  return rest
}

/** The half once its holder signs something. */
export const asOwn = (half: TallyHalf): TallyHalf => {
  const { isTheirs: _, ...rest } = settled(half)
  return rest
}

/** It is open, or was. */
export const isOpened = ({ status }: TallyHalf): boolean => status === "open" || status === "closed"

/** What tells the partner that the tally is open; none if it never was. */
export const openMessage = (half: TallyHalf, heard: boolean): ReadonlyArray<typeof Message.Open.Type> =>
  !isOpened(half) || half.document === undefined
    ? []
    : [{ _tag: "Open", by: half.side, document: half.document, signs: half.signs, heard }]

/** The half with this document in force. */
export const opened = (half: TallyHalf, document: Document.TallyDocument, signs: Document.Signatures): TallyHalf => {
  const { draft: _, ...rest } = asOwn(half)
  const partner = document[Document.other(half.side)].cert.chad
  return {
    ...rest,
    partner,
    status: "open",
    revision: document.revision,
    document,
    signs,
    chain: { at: genesis(Document.digest(document)), told: 0, agreed: 0, unplaced: 0, closedThere: false }
  }
}

/** The holder accepts. Until the partner has answered, it is said again. */
export const accept = (half: TallyHalf, { revision, sign }: Accepted): TallyStep => {
  const { document } = half
  if (half.status !== "received" || document === undefined || half.revision !== revision)
    return unfit("stale", "nothing-to-accept", "No offer of this revision waits for an answer.", placeOf(half))
  if (!Document.isSignedBy(document, half.side, sign))
    return unfit("refused", "bad-signature", "The signature is not by the certificate's key.", placeOf(half))
  const state: TallyHalf = { ...opened(half, document, { ...half.signs, [half.side]: sign }), wish: "open" }
  return stepped(state, ...sendOpen(state, false), tell(state, "tally.open"))
}

/** The partner shows both signatures. */
export const hearOpen = (half: TallyHalf | undefined, event: Heard<typeof Message.Open.Type>): TallyStep => {
  const { from, me, message, own } = event
  const { by, document, signs } = message
  const side = Document.other(by)
  const wrong = strange(half, document, side, me) ?? foreignDocument(half, event)
  if (wrong !== undefined) return wrong
  if (half?.document !== undefined && isOpened(half)) return known(half, half.document, event)
  // Once the partner has heard that it is open it is so for good: a half that has refused since has forgotten that.
  if (!message.heard && half?.status === "void" && half.wish === undefined && document.revision <= half.revision) {
    const refuse = { _tag: "Refuse", tally: half.id, by: side, revision: document.revision } as const
    const why = unfit("refused", "refused-before", "The partner has refused this revision.", placeOf(half))
    return answering(why, ...send(half, refuse))
  }
  if (!isSignedByBoth(half, message, own)) {
    const why = unfit("refused", "bad-signature", "Not both parties have signed this document.", placeOf(half))
    if (half === undefined) return why
    return answering(why, tell(half, "tally.trouble", { reason: "bad-signature", offered: document.revision, from }))
  }
  const state = opened(half ?? blank(document[side].cert.chad.cuid, document.uuid, side), document, signs)
  return stepped(state, ...(message.heard ? [] : sendOpen(state, true)), tell(state, "tally.open"))
}

/** It must come from the partner's node; where the half has forgotten who that is, our signature names it. */
const foreignDocument = (half: TallyHalf | undefined, { from, message }: Heard<typeof Message.Open.Type>) => {
  if (half?.partner !== undefined) return foreign(half, from, message.by)
  return message.document[message.by].cert.chad.agent === from
    ? undefined
    : unfit("refused", "not-the-partner", "The document is of another node's user.", placeOf(half))
}

const isSignedByBoth = (
  half: TallyHalf | undefined,
  { by, document, signs }: typeof Message.Open.Type,
  own: ReadonlyArray<Certificate>
): boolean => {
  const side = Document.other(by)
  return (
    isOwnKey(half, document[side].cert, own) &&
    Document.isSignedBy(document, by, signs[by]) &&
    Document.isSignedBy(document, side, signs[side])
  )
}

/** Both have it open: what is left is that both know. */
const known = (half: TallyHalf, here: Document.TallyDocument, event: Heard<typeof Message.Open.Type>): TallyStep => {
  const { document, heard } = event.message
  if (Document.digest(here) !== Document.digest(document)) return another(half, here, event)
  const answer = heard ? [] : sendOpen(half, true)
  if (half.wish === "open") return stepped(settled(half), ...answer)
  return answering(unfit("stale", "open", "The tally is open already.", placeOf(half)), ...answer)
}

/** Whether it is the one that does not count, of two documents that both parties have signed. */
const isLess = (one: Document.TallyDocument, two: Document.TallyDocument): boolean =>
  one.revision < two.revision || (one.revision === two.revision && Document.digest(one) < Document.digest(two))

/**
 * Both have signed another document as well, which takes a party whose database was restored. The later one counts at both, of one revision that
 * with the greater digest, as long as nothing is written on the other.
 */
const another = (half: TallyHalf, here: Document.TallyDocument, event: Heard<typeof Message.Open.Type>): TallyStep => {
  const { message, own } = event
  const { document, signs } = message
  const why = unfit("refused", "another-document", "The tally is open with another document.", placeOf(half))
  if (!isSignedByBoth(half, message, own)) return why
  if (isLess(document, here)) return answering(why, ...sendOpen(half, false))
  if (!isUnwritten(half))
    return answering(why, tell(half, "tally.trouble", { reason: "another-document", offered: document.revision }))
  const state = opened(half, document, signs)
  return stepped(state, ...(message.heard ? [] : sendOpen(state, true)), tell(state, "tally.open"))
}

/** Nothing has been written on it since it was opened. */
export const isUnwritten = ({ chain, sums }: TallyHalf): boolean =>
  chain?.at.index === 0 && chain.unplaced === 0 && sums.net === 0n && sums.up === 0n && sums.down === 0n

export const sendOpen = (half: TallyHalf, heard: boolean) =>
  openMessage(half, heard).flatMap((message) => send(half, message))
