/**
 * How chits get their places: foil gives each that is good and has none the next one, its own and those that stock proposes.
 */
import { unfit } from "./Action.ts"
import { Booking } from "./Booking.ts"
import type { Good, Propose, Received } from "./ChainEvent.ts"
import { type Begun, type ChainResult, closed, forged, misfit, noRoom, type Outcome } from "./ChainStep.ts"
import type { Entry } from "./ChitLog.ts"
import { isSameCore } from "./ChitProof.ts"
import { agreeing, pushed, wondering } from "./FoilPushing.ts"
import * as Places from "./Places.ts"

/** A chit of foil's, or of a lift that is good: it is placed, and stock is told. */
export const order = (half: Begun, { entry, loaded, now }: Good): ChainResult => {
  const { core } = entry.chit
  if (half.status === "closed" && core.type !== "lift") return closed(half)
  if (core.type !== "lift" && core.by !== "foil")
    return misfit(half, "refused", "not-its-own", "stock issues this chit")
  const booking = new Booking(half, loaded, "here", now)
  const known = booking.find(core.uuid)
  if (known !== undefined && !isSameCore(known, core))
    return misfit(half, "refused", "conflict", "its id has another content")
  if (known?.index !== undefined) return misfit(half, "stale", "placed", `it is chit ${known.index} of the tally`)
  const wrong = booking.fault(entry)
  if (wrong !== undefined) return forged(half, entry, wrong)
  const misplaced = booking.place(entry)
  if (misplaced !== undefined) return noRoom(half, entry, misplaced)
  const { state, ...outcome } = booking.done({})
  return pushed(state, half.chain.told, outcome)
}

/** What to do with one chit that stock proposes: nothing where it has its place. */
const consider = (half: Begun, booking: Booking, entry: Entry): "placed" | "conflict" | ChainResult => {
  const { core } = entry.chit
  const known = booking.find(core.uuid)
  const isSame = known !== undefined && isSameCore(known, core)
  if (isSame && known.index !== undefined) return "placed"
  if (core.type !== "lift" && core.by !== "stock") return forged(half, entry, "not-its-own")
  const wrong = booking.fault(entry)
  if (wrong !== undefined) return forged(half, entry, wrong)
  if (known !== undefined && !isSame) {
    booking.conflict(entry, known.core)
    return "conflict"
  }
  const misplaced = booking.place(entry)
  return misplaced === undefined ? "placed" : noRoom(half, entry, misplaced)
}

/**
 * Chits that stock proposes. One that is forged, and none of them counts. One whose id has another content here is told of, and the
 * others count.
 */
export const propose = (half: Begun, { loaded, message, now }: Received<Propose>): ChainResult => {
  const booking = new Booking(half, loaded, "there", now)
  const conflicts: Array<string> = []
  for (const entry of message.chits) {
    const considered = consider(half, booking, entry)
    if (considered === "conflict") conflicts.push(entry.chit.core.uuid)
    else if (considered !== "placed") return considered
  }
  const { state, ...outcome } = booking.done({})
  const detail = `other chits have the ids ${conflicts.join(", ")}`
  const refused: Outcome =
    conflicts.length === 0 ? {} : { refused: unfit("refused", "conflict", detail, conflicts.join()) }
  if (!Places.isHere(half, loaded.places, message.at)) return wondering(state, { ...outcome, ...refused })
  const agreed = agreeing(state, message.at)
  // What was told before is under way. Where there is nothing new stock has not got it.
  const after = booking.at.index > half.chain.at.index ? agreed.chain.told : message.at.index
  return pushed(agreed, after, { ...outcome, ...refused })
}
