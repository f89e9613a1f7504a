/**
 * How foil gets back what it has ordered and lost, its database having been restored from a backup: from stock, which shows it with
 * the signature that foil's agent has given then.
 *
 * That order stands. What foil has ordered since the restore loses its places, its last chits first, and gets new ones behind it once stock
 * has no more to show; nothing of it is lost. A step reads and writes at most a page, and how many steps it takes goes with how much was
 * got back and ordered since, not with the length of the chain. Where it stands is in the half alone, so that it goes on whatever was lost.
 */
import { Booking } from "./Booking.ts"
import { type Ack, type History, mostDisplaced, type Received } from "./ChainEvent.ts"
import { type Begun, type ChainResult, type ChainStepped, done, forged, misfit, noRoom, send } from "./ChainStep.ts"
import { type Entry, type Index, isHeadSigned, type Position } from "./ChitLog.ts"
import type { ChitState } from "./ChitState.ts"
import { agreeing, pushed } from "./FoilPushing.ts"
import * as Places from "./Places.ts"

/** What stock shows, cut into what foil has as well and what it has not. */
interface Compared {
  /** The last place that both have. */
  readonly shared: Position
  readonly fresh: ReadonlyArray<Entry>
}

const compare = (
  { after, entries }: History,
  places: ReadonlyArray<Position>,
  behind: ReadonlyArray<ChitState>
): Compared => {
  const firstOther = places.findIndex(({ hash }, i) => behind[i]?.hash !== hash)
  const common = firstOther === -1 ? entries.length : firstOther
  return { shared: places[common - 1] ?? after, fresh: entries.slice(common) }
}

/** Stock answers with more, or that it has no more. */
const fetch = (half: Begun, after: Index) => send(half, { _tag: "Fetch", tally: half.id, after })

/** The chain ends earlier: at its chit `last`, and those behind have no place any more. Stock is asked for the same again. */
const shortened = (
  half: Begun,
  { loaded, message, now }: Received<History>,
  { hash, index }: ChitState,
  displaced: ReadonlyArray<ChitState>
): ChainResult => {
  if (hash === undefined || index === undefined) return misfit(half, "stale", "other-place", "it has no place")
  const booking = new Booking(half, loaded, "there", now, { index, hash })
  for (const state of displaced) booking.displace(state)
  const { state, ...outcome } = booking.done({ told: Math.min(half.chain.told, index) })
  return done(state, { ...outcome, actions: [...outcome.actions, ...fetch(half, message.after.index)] })
}

/** The half with the lost entries in their old places; what had these places since has none. */
const replace = (
  half: Begun,
  { loaded, now }: Received<History>,
  { fresh, shared }: Compared,
  end: Position
): ChainResult => {
  const booking = new Booking(half, loaded, "there", now, shared)
  for (const entry of fresh) {
    const wrong = booking.fault(entry)
    if (wrong !== undefined) return forged(half, entry, wrong)
    const misplaced = booking.place(entry)
    if (misplaced !== undefined) return noRoom(half, entry, misplaced)
  }
  const back = new Set(fresh.map(({ chit }) => chit.core.uuid))
  for (const state of loaded.tail) {
    if ((state.index ?? 0) > shared.index && !back.has(state.core.uuid)) booking.displace(state)
  }
  const { state, ...outcome } = booking.done({ told: end.index, agreed: end.index })
  return done(state, { ...outcome, actions: [...outcome.actions, ...fetch(half, end.index)] })
}

/** Stock shows what foil has ordered once. */
export const adopt = (half: Begun, event: Received<History>): ChainResult => {
  const { loaded, message } = event
  const { after, entries, head } = message
  if (!Places.isHere(half, loaded.places, after))
    return misfit(half, "stale", "other-place", "foil does not have that place")
  const places = Places.behind(after, entries)
  const end = places.at(-1) ?? after
  if (!Places.isSame(end, head) || !isHeadSigned(half.id, head, half.document.foil.cert.chad.agent)) {
    return misfit(half, "refused", "unsigned-order", "foil's agent has not signed that order")
  }
  const compared = compare(message, places, loaded.behind)
  if (compared.fresh.length === 0) return done(agreeing(half, end), { actions: fetch(half, end.index) })
  if (compared.shared.index < half.chain.agreed)
    return misfit(half, "stale", "agreed", "stock has agreed to another order")
  const [last, ...displaced] = loaded.tail
  const isMore = half.chain.at.index - compared.shared.index > mostDisplaced
  return isMore && last !== undefined ? shortened(half, event, last, displaced) : replace(half, event, compared, end)
}

/** Stock has nothing that foil lacks: what has lost its place gets the next ones, a page of it, and stock is told. */
export const order = (half: Begun, { loaded, now }: Received<Ack>): ChainStepped => {
  const booking = new Booking(half, loaded, "there", now)
  for (const state of loaded.loose) booking.move(state)
  const { state, ...outcome } = booking.done({ closedThere: false })
  return pushed(state, half.chain.told, outcome)
}
