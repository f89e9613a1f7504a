/**
 * How stock takes over what foil has ordered: where it continues what stock has, word for word, and foil's agent has signed it. What
 * stock has taken over never moves; where foil shows another order, stock says what it has.
 */
import type { Action } from "./Action.ts"
import { Booking } from "./Booking.ts"
import type { Entered, Received } from "./ChainEvent.ts"
import { type Begun, type ChainResult, done, forged, misfit, noRoom, send, troubled } from "./ChainStep.ts"
import { isHeadSigned, type Position } from "./ChitLog.ts"
import * as Places from "./Places.ts"

/** Says what stock has. */
export const ackOf = (half: Begun): ReadonlyArray<Action> =>
  send(half, { _tag: "Ack", tally: half.id, at: half.chain.at, closed: half.status === "closed" })

/** Whether foil's order and stock's are one as far as both go; `places` are foil's, from the one that its message begins with. */
const agrees = (half: Begun, own: ReadonlyArray<Position>, places: ReadonlyArray<Position>): boolean => {
  const first = places[0]
  const last = places.at(-1)
  if (first === undefined || last === undefined || first.index > half.chain.at.index) return false
  // Equal hashes at the last common place say that all before it is equal, too.
  const common = last.index <= half.chain.at.index ? last : places[half.chain.at.index - first.index]
  return Places.isHere(half, own, first) && common !== undefined && Places.isHere(half, own, common)
}

/** What comes behind stock's last place gets its places here. */
const take = (half: Begun, { loaded, message, now }: Received<Entered>): ChainResult => {
  const { after, entries, head } = message
  const booking = new Booking(half, loaded, "there", now)
  const fresh = entries.slice(half.chain.at.index - after.index)
  for (const entry of fresh) {
    const wrong = booking.fault(entry)
    if (wrong !== undefined) return forged(half, entry, wrong)
    const misplaced = booking.place(entry)
    if (misplaced !== undefined) return noRoom(half, entry, misplaced)
    if (booking.at.index === head.index) booking.sealed(entry.chit.core.uuid, head.sign)
  }
  const { state, ...outcome } = booking.done({ told: head.index, agreed: head.index, head })
  return done(state, { ...outcome, actions: [...outcome.actions, ...ackOf(state)] })
}

/** Foil tells what comes behind a place. */
export const entered = (half: Begun, event: Received<Entered>): ChainResult => {
  const { loaded, message } = event
  const { after, entries, head } = message
  const { at } = half.chain
  const places = [after, ...Places.behind(after, entries)]
  const end = places.at(-1) ?? after
  if (!Places.isSame(end, head) || !isHeadSigned(half.id, head, half.document.foil.cert.chad.agent)) {
    return misfit(half, "refused", "unsigned-order", "foil's agent has not signed that order")
  }
  if (after.index === 0 && !Places.isHere(half, [], after)) return troubled(half)
  const isBehind = entries.length === 0 && after.index < at.index
  if (isBehind || !agrees(half, loaded.places, places)) {
    return done(half, { reading: { _tag: "Where", indexes: Places.probes(at.index) } })
  }
  return end.index > at.index ? take(half, event) : done(half, { actions: ackOf(half) })
}
