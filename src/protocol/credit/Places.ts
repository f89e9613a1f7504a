/**
 * Comparing two orders of a tally's chits by a few places of each: equal hashes at an index mean that everything up to there is equal.
 */
import type { Entry, Index, Position } from "./ChitLog.ts"
import { next } from "./ChitLog.ts"
import type { Begun } from "./ChainStep.ts"
import * as TallyDocument from "./TallyDocument.ts"

export const isSame = (one: Position, other: Position): boolean => one.index === other.index && one.hash === other.hash

/** Whether this half has the place; `places` are its own ones that were read. */
export const isHere = ({ chain, document }: Begun, places: ReadonlyArray<Position>, place: Position): boolean => {
  if (place.index === 0) return place.hash === TallyDocument.digest(document)
  return isSame(chain.at, place) || places.some((own) => isSame(own, place))
}

/** The places that entries get behind `after`. */
export const behind = (after: Position, entries: ReadonlyArray<Entry>): ReadonlyArray<Position> => {
  let last = after
  return entries.map(({ chit }) => (last = next(last, chit)))
}

/** Indexes from `at` down to 0 with ever greater distance: at most 43 for the longest chain. */
export const probes = (at: Index): ReadonlyArray<Index> => {
  const indexes = [at]
  for (let distance = 1; distance < at; distance *= 2) indexes.push(at - distance)
  if (at > 0) indexes.push(0)
  return indexes
}
