/**
 * The ends of tallies that a plan needs at one node, and whether they are fit for it.
 *
 * A leg has an end at the node that value comes from, which pledges, and one at the node that it goes to.
 */
import type { NodeKey } from "../NodeKey.ts"
import type { Cuid } from "./Chad.ts"
import type { LiftPlan } from "./LiftPlan.ts"
import type { UserKey } from "./Signature.ts"
import type { Side } from "./TallyDocument.ts"

/** Which half of which leg's tally: `from` is the pledging one. */
export interface End {
  readonly leg: number
  readonly end: "from" | "to"
}

/** A half of an open tally as it was found under its lock. */
export interface Found extends End {
  readonly holder: Cuid
  readonly side: Side
  /** The agent of the other half. */
  readonly partner: NodeKey
  /** The key of the side that value comes from, as in its certificate. */
  readonly pledger: UserKey
  /** Whether the amount may be reserved here now. */
  readonly hasRoom: boolean
}

/** The ends that a node has, in the order of the legs. */
export const endsAt = ({ legs }: LiftPlan, node: NodeKey): ReadonlyArray<End> =>
  legs.flatMap(({ from, to }, leg): ReadonlyArray<End> => [
    ...(from === node ? [{ leg, end: "from" } as const] : []),
    ...(to === node ? [{ leg, end: "to" } as const] : [])
  ])

const isSide = ({ end, side }: Found, by: Side): boolean => (end === "from") === (side === by)

/** Why one half is not what its leg says. */
const oddity = ({ legs, payorKey }: LiftPlan, found: Found): string | undefined => {
  const { by, from, to } = legs[found.leg]!
  if (!isSide(found, by)) return "wrong-side"
  if (found.partner !== (found.end === "from" ? to : from)) return "wrong-partner"
  if (found.leg === 0 && found.pledger !== payorKey) return "wrong-payor-key"
  return undefined
}

/** Why halves do not make one way for their holders, from the payor to the payee. */
const misfit = ({ legs, payee, payor }: LiftPlan, node: NodeKey, found: ReadonlyArray<Found>): string | undefined => {
  const holder = (leg: number, end: End["end"]) => found.find((one) => one.leg === leg && one.end === end)?.holder
  const last = legs.length - 1
  if (legs[0]!.from === node && holder(0, "from") !== payor.cuid) return "not-the-payor"
  if (legs[last]!.to === node && holder(last, "to") !== payee.cuid) return "not-the-payee"
  const parted = legs.some(({ to }, leg) => leg < last && to === node && holder(leg, "to") !== holder(leg + 1, "from"))
  return parted ? "not-joined" : undefined
}

/**
 * Why this node cannot take part with what was found: a short name, the same for everybody who looks. None if it can. `found` lacks the
 * ends of which there is no open tally.
 */
export const problem = (plan: LiftPlan, node: NodeKey, found: ReadonlyArray<Found>): string | undefined => {
  const isThere = ({ end, leg }: End): boolean => found.some((one) => one.leg === leg && one.end === end)
  if (!endsAt(plan, node).every(isThere)) return "no-tally"
  for (const one of found) {
    const odd = oddity(plan, one)
    if (odd !== undefined) return odd
  }
  return misfit(plan, node, found) ?? (found.every(({ hasRoom }) => hasRoom) ? undefined : "no-room")
}
