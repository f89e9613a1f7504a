/**
 * Where a query goes on: the tallies of a user's over which value can leave, of which the best few are asked.
 */
import { Schema } from "effect"
import { NodeKey } from "../NodeKey.ts"
import { room } from "./Capacity.ts"
import type { Person } from "./Chad.ts"
import type { Leg } from "./LiftPlan.ts"
import { Side, TallyId } from "./TallyDocument.ts"
import type { TallyHalf } from "./TallyHalf.ts"

/** Tallies that one user is asked to look beyond, at most. */
export const mostBranches = 10

/** A tally that a query has gone over. `by`: the side that value would come from; `agent`: the node at its other end. */
export const Edge = Schema.Struct({ tally: TallyId, by: Side, agent: NodeKey })
export type Edge = typeof Edge.Type

export interface Wanted {
  readonly find: Person
  readonly units: bigint
}

/** A tally on which its holder can pledge `room` milli-CHIP. */
interface Outlet {
  readonly edge: Edge
  readonly room: bigint
  readonly isLast: boolean
}

export const isSamePerson = (one: Person, other: Person): boolean =>
  one.cuid === other.cuid && one.agent === other.agent

const outletOf = ({ find, units }: Wanted, half: TallyHalf): Outlet | undefined => {
  const { id, partner, side } = half
  const left = room(half, side, "lift")
  if (partner === undefined || left < units) return undefined
  return { edge: { tally: id, by: side, agent: partner.agent }, room: left, isLast: isSamePerson(partner, find) }
}

/** The one with the sought user first, then those with most room; equal ones by their ids, so that the choice is always the same. */
const isBetter = (one: Outlet, other: Outlet): boolean => {
  if (one.isLast !== other.isLast) return one.isLast
  if (one.room !== other.room) return one.room > other.room
  return one.edge.tally < other.edge.tally
}

/** The best of one user's halves with room, `mostBranches` at the most; neither this tally nor others with the same partner. */
export const outlets = (
  wanted: Wanted,
  halves: Iterable<TallyHalf>,
  except: { readonly tally?: TallyId; readonly partner?: Person | undefined } = {}
): ReadonlyArray<Edge> => {
  const best: Array<Outlet> = []
  for (const half of halves) {
    if (half.id === except.tally) continue
    if (except.partner !== undefined && half.partner !== undefined && isSamePerson(half.partner, except.partner))
      continue
    const outlet = outletOf(wanted, half)
    if (outlet === undefined) continue
    const place = best.findIndex((other) => isBetter(outlet, other))
    best.splice(place === -1 ? best.length : place, 0, outlet)
    best.length = Math.min(best.length, mostBranches)
  }
  return best.map(({ edge }) => edge)
}

/** The leg that goes over an edge, seen from the node that has asked. */
export const legFrom = (from: NodeKey, { agent, by, tally }: Edge): Leg => ({ tally, from, to: agent, by })
