/**
 * How an open tally ends: either side sets `close` on it, from then on nothing moves its balance away from zero, and once it is
 * zero and nothing can move it any more, stock closes and says so, and foil closes when it hears that.
 *
 * Closed stays closed, but for a party whose database was restored to before that. What it has signed since then binds as ever: the tally
 * is open again at both ends, and closes as soon as it is at zero once more.
 *
 * Neither half asks the other one first: that stock has everything that foil has ordered shows in the place that it names.
 */
import { type Stepped, stepped } from "./Action.ts"
import type { CreditMessage } from "./CreditMessage.ts"
import { send, tell } from "./TallyEvent.ts"
import type { TallyHalf } from "./TallyHalf.ts"

/** Whether one of the sides wants it closed. A half learns that of the other side in the order of the chain. */
export const isClosing = ({ sets }: TallyHalf): boolean => sets.stock.close === true || sets.foil.close === true

/** Whether it is at zero, with nothing promised and nothing that has no place. */
const isEven = ({ chain, sums }: TallyHalf): boolean =>
  chain !== undefined && chain.unplaced === 0 && sums.net === 0n && sums.up === 0n && sums.down === 0n

/** Whether the half has closed for its part as soon as `closeIfDone` has been called. */
const isDone = (half: TallyHalf): boolean => {
  const { chain, side, status, trouble } = half
  if (status !== "open" || chain === undefined || trouble !== undefined || !isClosing(half) || !isEven(half))
    return false
  // What foil has ordered since stock has closed would be lost.
  return side === "stock" || (chain.closedThere && chain.agreed === chain.at.index)
}

/** To be called after every step of the chain and of lifts: closes the half if that is due, undefined if it is not. */
export const closeIfDone = (half: TallyHalf): Stepped<TallyHalf> | undefined => {
  if (!isDone(half)) return undefined
  const { wish: _, ...rest } = half
  const state: TallyHalf = { ...rest, status: "closed" }
  return stepped(
    state,
    ...closedMessages(state).flatMap((message) => send(state, message)),
    tell(state, "tally.closed")
  )
}

/** The half, on which something has got a place: it is not closed any more, and whether stock is, stock has to say again. */
export const reopened = <S extends TallyHalf>(half: S): S =>
  half.status !== "closed" || half.chain === undefined
    ? half
    : { ...half, status: "open", chain: { ...half.chain, closedThere: false } }

/** By what a closed stock answers whatever foil says of the chain; nothing at foil, and nothing before it is closed. */
export const closedMessages = ({ chain, id, side, status }: TallyHalf): ReadonlyArray<CreditMessage> =>
  status === "closed" && side === "stock" && chain !== undefined
    ? [{ _tag: "Ack", tally: id, at: chain.at, closed: true }]
    : []
