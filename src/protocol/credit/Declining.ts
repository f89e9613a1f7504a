/**
 * How an offer ends without a tally: the partner refuses it, perhaps to draft something else, or who has offered takes it back.
 *
 * A refusal is final for its revision, as who refuses has not signed. A withdrawal is a wish: the partner may have accepted
 * meanwhile, and then the tally is open. It is void at once, but said again until the partner has answered.
 */
import { answering, stepped, unfit } from "./Action.ts"
import type * as Message from "./CreditMessage.ts"
import { isOpened, isUnwritten, sendOpen, settled } from "./Opening.ts"
import { foreign, placeOf } from "./PartyCheck.ts"
import { type Commanded, type Heard, send, tell, type TallyStep } from "./TallyEvent.ts"
import type { Draft, TallyHalf } from "./TallyHalf.ts"

/** Void, without anything that could still open it but a new revision. */
const ended = (half: TallyHalf): TallyHalf => ({ ...settled(half), status: "void", signs: {} })

const about = ({ id, side }: TallyHalf, revision: number) => ({ tally: id, by: side, revision })

const late = (half: TallyHalf, detail: string) => unfit("stale", half.status, detail, placeOf(half))

/** The holder takes back what was offered, or throws a draft away. */
export const withdraw = (half: TallyHalf): TallyStep => {
  if (half.status === "draft") {
    const state = ended(half)
    return stepped(state, tell(state, "tally.withdrawn"))
  }
  if (half.status !== "offered") return late(half, "There is no draft and no offer to withdraw.")
  const state: TallyHalf = { ...half, status: "void", wish: "withdraw" }
  return stepped(
    state,
    ...send(state, { _tag: "Withdraw", ...about(state, state.revision) }),
    tell(state, "tally.withdrawn")
  )
}

/** The holder refuses what was offered. */
export const refuse = (half: TallyHalf, { revision }: Extract<Commanded, { _tag: "Refuse" }>): TallyStep => {
  if (half.status !== "received" || half.revision !== revision)
    return late(half, "No offer of this revision waits for an answer.")
  const state = ended(half)
  return stepped(state, ...send(state, { _tag: "Refuse", ...about(state, revision) }), tell(state, "tally.refused"))
}

/** The holder refuses what was offered and drafts something else, which the partner learns of when it is offered. */
export const revise = (half: TallyHalf, event: Extract<Commanded, { _tag: "Revise" }>): TallyStep => {
  const { draft, revision } = event
  if (half.status !== "received" || half.revision !== revision)
    return late(half, "No offer of this revision waits for an answer.")
  const state: TallyHalf = { ...ended(half), status: "draft", ...withDraft(draft) }
  return stepped(state, ...send(state, { _tag: "Revise", ...about(state, revision) }), tell(state, "tally.revised"))
}

const withDraft = (draft: Draft | undefined): Pick<TallyHalf, "draft"> => (draft === undefined ? {} : { draft })

/** The partner has taken the offer back. */
export const hearWithdraw = (half: TallyHalf, event: Heard<typeof Message.Withdraw.Type>): TallyStep => {
  const { from, message } = event
  const { revision } = message
  const wrong = foreign(half, from, message.by)
  if (wrong !== undefined) return wrong
  if (isOpened(half)) return answering(late(half, "The offer was accepted before."), ...sendOpen(half, false))
  const answer = send(half, { _tag: "Refuse", ...about(half, revision) })
  if (half.status === "received" && half.revision === revision) {
    const state = ended(half)
    return stepped(state, ...answer, tell(state, "tally.withdrawn"))
  }
  const isOver = half.status === "draft" || (half.status === "void" && half.wish === undefined)
  const why = late(half, `Revision ${half.revision} is here.`)
  return isOver && revision <= half.revision ? answering(why, ...answer) : why
}

/** The partner has refused, perhaps to draft something else. */
export const hearRefusal = (
  half: TallyHalf,
  { from, message }: Heard<typeof Message.Refuse.Type | typeof Message.Revise.Type>
): TallyStep => {
  const wrong = foreign(half, from, message.by)
  if (wrong !== undefined) return wrong
  if (message.revision !== half.revision) return late(half, `Revision ${half.revision} is here.`)
  const kind = message._tag === "Refuse" ? "tally.refused" : "tally.revised"
  if (half.status === "void" && half.wish === "withdraw") return stepped(ended(half))
  if (isOpened(half) && !isForgotten(half))
    return answering(late(half, "The tally is open for good."), ...sendOpen(half, true))
  if (half.status !== "offered" && !isForgotten(half)) return late(half, "No offer of this revision waits.")
  const { chain: _, ...state } = ended(half)
  return stepped(state, tell(state, kind))
}

/**
 * It has accepted, and learns that it had refused before: its database was restored in between. Nothing is written on the tally
 * yet, so it is void again. Once something is, or the partner has said that it is open there, nothing takes it back.
 */
const isForgotten = (half: TallyHalf): boolean => half.status === "open" && half.wish === "open" && isUnwritten(half)
