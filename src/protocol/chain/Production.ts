/**
 * When a node makes the next block of a permissioned chain. The producers take turns by height; whose turn it is makes the heavier
 * block, an interval after the last one. The others follow at distances, so that a producer that is away costs half an interval and
 * not the chain.
 */

/** What the next block would follow, and who would make it. */
export interface Situation {
  /** Of the tip, which the block would follow: milliseconds since 1970, as its header says. */
  readonly tip: { readonly height: number; readonly time: number }
  /** The place of this node among the producers, and how many there are; one of one where anybody may produce. */
  readonly place: number
  readonly producers: number
  /** Milliseconds between two blocks. */
  readonly interval: number
  /** Blocks of the best chain that this node does not have: its own would be on a branch that is lost already. */
  readonly behind: number
  /** Connected peers that have not said yet whether they have more. */
  readonly unanswered: number
}

export type Decision =
  /** At this time, in milliseconds since 1970. */
  | { readonly _tag: "At"; readonly time: number }
  /** Not before something changes. */
  | { readonly _tag: "Wait"; readonly why: string }

/** Steps from whose turn the height is to this node, 0 where it is this one's. */
export const distance = (height: number, place: number, producers: number): number =>
  (((place - height) % producers) + producers) % producers

export const decide = ({ behind, interval, place, producers, tip, unanswered }: Situation): Decision => {
  if (behind > 0) return { _tag: "Wait", why: `${behind} blocks of the best chain are missing` }
  if (unanswered > 0)
    return { _tag: "Wait", why: `${unanswered} peers have not said yet whether they have more blocks` }
  const late = distance(tip.height + 1, place, producers)
  return { _tag: "At", time: Math.max(tip.time + 1, tip.time + interval + (late * interval) / 2) }
}
