/**
 * Where a node stands in a plan: whom messages of a lift go to. Only nodes that share a tally of the plan talk to each other, since
 * nobody else needs to know where to reach them; a way that comes back to a node goes through it again.
 */
import type { NodeKey } from "../NodeKey.ts"
import { type LiftPlan, nodes } from "./LiftPlan.ts"
import type { Promised } from "./LiftRecord.ts"

/** How many other nodes promise before this one; -1 where it is none of the plan. */
export const place = (plan: LiftPlan, node: NodeKey): number => nodes(plan).indexOf(node)

/** Nodes that value comes from directly to this one, each once. */
export const before = ({ legs }: LiftPlan, node: NodeKey): ReadonlyArray<NodeKey> => [
  ...new Set(legs.flatMap(({ from, to }) => (to === node && from !== node ? [from] : [])))
]

/** All nodes that this one shares a tally of the plan with, each once. */
export const neighbours = ({ legs }: LiftPlan, node: NodeKey): ReadonlyArray<NodeKey> => {
  const all = legs.flatMap(({ from, to }) => (from === node ? [to] : to === node ? [from] : []))
  return [...new Set(all)].filter((other) => other !== node)
}

/**
 * Whom this node, which has promised, passes the promises to: the next one along the legs towards the first that has not promised.
 * None if all have, or if that one lies before this node.
 */
export const next = ({ legs }: LiftPlan, node: NodeKey, promises: ReadonlyArray<Promised>): NodeKey | undefined => {
  const missing = legs.findIndex(({ to }) => !promises.some((one) => one.node === to))
  const way = legs.slice(0, missing + 1)
  return way.findLast(({ from, to }) => from === node && to !== node)?.to
}
