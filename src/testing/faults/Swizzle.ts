/**
 * Nodes cut off one after the other, and healed one after the other in an order of their own. It leaves every partial
 * view of a cluster that there is, one after the other.
 */
import type { Rng } from "../world/Rng.ts"
import type { FaultOf } from "./FaultPlan.ts"

/** When a node is cut off and when it is healed, in milliseconds from the beginning. */
export interface Turn {
  readonly node: string
  readonly from: number
  readonly to: number
}

/**
 * The first node is cut off at once, all are within the first half, and they heal within the second, the last at its
 * end: in the order in which they were cut off, in the reverse one, or in any.
 */
export const turns = (
  { for: lasts, heal, nodes }: Omit<FaultOf<"Swizzle">, "_tag">,
  random: Rng
): ReadonlyArray<Turn> => {
  const half = lasts / 2
  const times = () =>
    nodes
      .slice(1)
      .map(() => Math.floor(random.next() * half))
      .sort((a, b) => a - b)
  const starts = [0, ...times()]
  const ends = [...times().map((time) => half + time), lasts]
  const order = heal === "random" ? random.shuffle(nodes.keys()) : [...nodes.keys()]
  if (heal === "reverse") order.reverse()
  return nodes.map((node, index) => ({ node, from: starts[index] ?? 0, to: ends[order.indexOf(index)] ?? lasts }))
}
