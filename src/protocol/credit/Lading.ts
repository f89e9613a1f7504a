/**
 * What a way can carry: the least of its tallies' rooms; and how much of that brings no user further away from the balance that they
 * would like to hold. Whoever takes part looks at the tallies that it has halves of, the rest is in what it was told of the way.
 *
 * Nothing is charged for what goes beyond a target: it is for users and their nodes to say whether they take it.
 */
import { owed, room } from "./Capacity.ts"
import { other, type Side } from "./TallyDocument.ts"
import type { TallyHalf } from "./TallyHalf.ts"
import * as Units from "./Units.ts"

/** A tally of the way, as one of its halves has it, and the side that value comes from. */
export interface Crossed {
  readonly half: TallyHalf
  readonly by: Side
}

/** Milli-CHIP, both 0 or more; `free` is at most `room`. */
export interface Lading {
  readonly room: bigint
  /** Up to here everybody whose tally is looked at comes nearer to their target, or has none. */
  readonly free: bigint
}

/** `free`: within all targets. `beyond-target`: within limits and bounds only. `beyond-room`: it cannot be taken. */
export type Fit = "free" | "beyond-target" | "beyond-room"

const least = (one: bigint, other: bigint): bigint => (one < other ? one : other)

/** How much one tally can carry, and how much within both sides' targets. */
const ladingOf = ({ by, half }: Crossed): Lading => {
  const most = room(half, by, "lift")
  const before = owed(half, by)
  const gains = half.sets[other(by)].target
  const gives = half.sets[by].target
  // Who is pledged to may rise to their target, who pledges may fall to theirs: what they hold is the opposite.
  let free = most
  if (gains !== undefined) free = least(free, gains - before)
  if (gives !== undefined) free = least(free, -before - gives)
  return { room: most, free: free > 0n ? free : 0n }
}

/** What a way can carry over these tallies, and over others that are said to have this much room. */
export const of = (crossed: ReadonlyArray<Crossed>, elsewhere: bigint = Units.most): Lading => {
  let all: Lading = { room: elsewhere, free: elsewhere }
  for (const one of crossed) {
    const each = ladingOf(one)
    all = { room: least(all.room, each.room), free: least(all.free, each.free) }
  }
  return all
}

/** Whether so much can be taken. */
export const fit = ({ free, room }: Lading, units: bigint): Fit => {
  if (units > room) return "beyond-room"
  return units > free ? "beyond-target" : "free"
}
