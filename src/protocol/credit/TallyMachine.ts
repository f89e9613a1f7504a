/**
 * A half of a tally from the draft until it is open, as a pure machine: two of them come to the same verdict whatever the messages
 * between them suffer, once each has said again what it owes.
 *
 * The chain of chits, which begins when the tally opens, has machines of its own; so has an end by closing, see `Closing`.
 */
import { stepped, unfit } from "./Action.ts"
import type { CreditMessage } from "./CreditMessage.ts"
import { hearRefusal, hearWithdraw, refuse, revise, withdraw } from "./Declining.ts"
import { draft, hearOffer, offer, offerMessage, redeem } from "./Offering.ts"
import { accept, hearOpen, openMessage } from "./Opening.ts"
import { placeOf } from "./PartyCheck.ts"
import { type Heard, send, type TallyEvent, type TallyStep } from "./TallyEvent.ts"
import type { TallyHalf } from "./TallyHalf.ts"

/** What an event does to a half, `undefined` if there is none yet. Costs one signature's check or two where a document is taken. */
export const step = (half: TallyHalf | undefined, event: TallyEvent): TallyStep => {
  if (event._tag === "Draft") return draft(half, event)
  if (event._tag === "Redeemed") return redeem(half, event)
  if (event._tag === "Heard") return hear(half, event)
  if (half === undefined) return unknown
  switch (event._tag) {
    case "Offer":
      return offer(half, event)
    case "Accept":
      return accept(half, event)
    case "Refuse":
      return refuse(half, event)
    case "Revise":
      return revise(half, event)
    case "Withdraw":
      return withdraw(half)
    case "Resend":
      return resend(half)
  }
}

const unknown = unfit("stale", "unknown-tally", "There is no such tally here.")

const hear = (half: TallyHalf | undefined, event: Heard): TallyStep => {
  const { message } = event
  if (message._tag === "Offer") return hearOffer(half, { ...event, message })
  if (message._tag === "Open") return hearOpen(half, { ...event, message })
  if (half === undefined || half.id !== message.tally) return unknown
  return message._tag === "Withdraw"
    ? hearWithdraw(half, { ...event, message })
    : hearRefusal(half, { ...event, message })
}

const resend = (half: TallyHalf): TallyStep => {
  const messages = retold(half)
  return messages.length === 0
    ? unfit("stale", "nothing-to-say", "The partner has to do something, or nobody.", placeOf(half))
    : stepped(half, ...messages.flatMap((message) => send(half, message)))
}

/**
 * What the half has to say, in this order, until the partner has answered: an offer, an offer and that it is taken back, or that the
 * tally is open. At most two messages; none to nobody.
 */
export const owed = (half: TallyHalf): ReadonlyArray<CreditMessage> => {
  if (half.partner === undefined) return []
  if (half.wish === "open") return openMessage(half, false)
  const offers = offerMessage(half)
  if (half.wish !== "withdraw") return offers
  // The offer first: to a partner who has never seen it there would be nothing to take back, until the offer arrives late.
  return [...offers, { _tag: "Withdraw", tally: half.id, by: half.side, revision: half.revision }]
}

/** What is said to a partner whose node has lost something: what is owed, or that the tally is open. */
export const retold = (half: TallyHalf): ReadonlyArray<CreditMessage> => {
  const messages = owed(half)
  return messages.length > 0 || half.partner === undefined ? messages : openMessage(half, false)
}
