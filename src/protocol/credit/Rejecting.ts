/**
 * What becomes of a half when the partner's node, and not a person there, answers that it will never take in what the half has said, or
 * that it knows nothing of the tally: its database was restored.
 */
import { stepped, unfit } from "./Action.ts"
import type * as Message from "./CreditMessage.ts"
import { isOpened, sendOpen, settled } from "./Opening.ts"
import { placeOf } from "./PartyCheck.ts"
import { tell, type TallyStep } from "./TallyEvent.ts"
import type { TallyHalf } from "./TallyHalf.ts"

/** What a half says again until it is answered. */
type Said = typeof Message.Offer.Type | typeof Message.Open.Type | typeof Message.Withdraw.Type

const late = (half: TallyHalf, detail: string) => unfit("stale", half.status, detail, placeOf(half))

/** It is refused: the offer is void, and an opening is said no more. `reason` is a short name for programs. */
export const rejected = (half: TallyHalf, message: Said, reason: string): TallyStep => {
  if (message._tag === "Open") return unopened(half, message, reason)
  const revision = message._tag === "Offer" ? message.document.revision : message.revision
  if (half.revision !== revision) return late(half, "A later revision counts.")
  const ended: TallyHalf = { ...settled(half), status: "void", signs: {} }
  if (half.status === "void" && half.wish === "withdraw") return stepped(ended)
  if (half.status !== "offered" || message._tag === "Withdraw") return late(half, "Nothing of that waits.")
  return stepped(ended, tell(ended, "tally.refused", { reason }))
}

/** The tally is open here with both signatures, and stays so: a person has to find out why it is not there. */
const unopened = (half: TallyHalf, { document }: typeof Message.Open.Type, reason: string): TallyStep => {
  if (!isOpened(half) || half.revision !== document.revision) return late(half, "Another document counts.")
  // The partner's own message says what is to be done about that.
  if (reason === "refused-before") return late(half, "The partner has refused.")
  const state = settled(half)
  return stepped(state, tell(state, "tally.trouble", { reason }))
}

/** The partner's node has forgotten an open tally: it is said to be open until that is answered. */
export const forgotten = (half: TallyHalf): TallyStep => {
  if (!isOpened(half)) return late(half, "The tally is not open.")
  if (half.wish === "open") return late(half, "It is said already.")
  const state: TallyHalf = half.status === "open" ? { ...half, wish: "open" } : half
  return stepped(state, ...sendOpen(state, false))
}
