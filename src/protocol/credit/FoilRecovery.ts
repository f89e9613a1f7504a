/**
 * How foil gets back what it has ordered and lost, its database having been restored from a backup: from stock, which shows it with
 * the signature that foil's agent has given then.
 *
 * That order stands. What foil has ordered since the restore gets its places behind it; nothing of it is lost. The work goes with how
 * much that is and with what is got back, not with the length of the chain.
 */
import { Booking } from "./Booking.ts"
import type { History, Received } from "./ChainEvent.ts"
import { type Begun, type ChainResult, done, forged, misfit, noRoom, send } from "./ChainStep.ts"
import { type Entry, isHeadSigned, type Position } from "./ChitLog.ts"
import { entryOf } from "./ChitProof.ts"
import type { ChitState } from "./ChitState.ts"
import { agreeing } from "./FoilPushing.ts"
import * as Places from "./Places.ts"

/** What stock shows, cut into what foil has as well and what it has not. */
interface Compared {
  /** The last place that both have. */
  readonly shared: Position
  readonly fresh: ReadonlyArray<Entry>
  /** What foil has instead. */
  readonly displaced: ReadonlyArray<ChitState>
}

const compare = (
  { after, entries }: History,
  places: ReadonlyArray<Position>,
  behind: ReadonlyArray<ChitState>
): Compared => {
  const firstOther = places.findIndex(({ hash }, i) => behind[i]?.hash !== hash)
  const common = firstOther === -1 ? entries.length : firstOther
  return { shared: places[common - 1] ?? after, fresh: entries.slice(common), displaced: behind.slice(common) }
}

/** The half with the lost entries in their old places, and behind them what had these places since. */
const replace = (half: Begun, { loaded, now }: Received<History>, compared: Compared, end: Position): ChainResult => {
  const booking = new Booking(half, loaded, "there", now, compared.shared)
  for (const entry of compared.fresh) {
    const wrong = booking.fault(entry)
    if (wrong !== undefined) return forged(half, entry, wrong)
    const misplaced = booking.place(entry)
    if (misplaced !== undefined) return noRoom(half, entry, misplaced)
  }
  const back = new Set(compared.fresh.map(({ chit }) => chit.core.uuid))
  for (const state of compared.displaced) {
    if (back.has(state.core.uuid)) continue
    const misplaced = booking.move(state)
    if (misplaced !== undefined) return noRoom(half, entryOf(state), misplaced)
  }
  const { state, ...outcome } = booking.done({ told: end.index, agreed: end.index })
  return done(state, { ...outcome, actions: [...outcome.actions, ...fetch(half, end)] })
}

/** Stock answers with more, or that it has no more. */
const fetch = (half: Begun, { index }: Position) => send(half, { _tag: "Fetch", tally: half.id, after: index })

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
  if (compared.fresh.length === 0) return done(agreeing(half, end), { actions: fetch(half, end) })
  if (compared.shared.index < half.chain.agreed)
    return misfit(half, "stale", "agreed", "stock has agreed to another order")
  return replace(half, event, compared, end)
}
