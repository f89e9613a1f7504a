/**
 * A plan with some of its nodes only. Nodes are called by their number, so those that stay move up; what cannot be
 * without a node that is gone goes with it.
 */
import { nodeNames } from "../cluster/NodeNames.ts"
import { type Entry, type Fault, type FaultPlan, nodesIn, type When } from "../faults/FaultPlan.ts"

type Rename = (name: string) => string

/** The plan with these of its nodes, in their order. */
export const keepNodes = (plan: FaultPlan, kept: ReadonlyArray<string>): FaultPlan => {
  const names = nodeNames(kept.length)
  const renamed = new Map(kept.map((name, index) => [name, names[index]!]))
  const faults = plan.faults.flatMap((entry): ReadonlyArray<Entry> => {
    const left = { ...entry, fault: without(entry.fault, (name) => renamed.has(name)) }
    if (isEmpty(left.fault) || !nodesIn(left).every((name) => renamed.has(name))) return []
    const rename: Rename = (name) => renamed.get(name) ?? name
    return [{ when: renameWhen(left.when, rename), fault: renameFault(left.fault, rename) }]
  })
  return { ...plan, nodes: kept.length, faults }
}

/** Lists of nodes lose those that are gone. */
const without = (fault: Fault, isThere: (name: string) => boolean): Fault => {
  if (fault._tag === "Partition") return { ...fault, side: fault.side.filter(isThere) }
  if (fault._tag === "Swizzle") return { ...fault, nodes: fault.nodes.filter(isThere) }
  return fault
}

const isEmpty = (fault: Fault): boolean =>
  (fault._tag === "Partition" && fault.shape !== "ring" && fault.side.length === 0) ||
  (fault._tag === "Swizzle" && fault.nodes.length === 0)

const renameWhen = (when: When, rename: Rename): When => {
  if ("frame" in when) {
    return { frame: { ...when.frame, from: rename(when.frame.from), to: rename(when.frame.to) } }
  }
  if ("commit" in when) return { commit: { ...when.commit, node: rename(when.commit.node) } }
  if ("site" in when) return { site: { ...when.site, node: rename(when.site.node) } }
  return when
}

const renameFault = (fault: Fault, rename: Rename): Fault => {
  if (fault._tag === "Partition") return { ...fault, side: fault.side.map(rename) }
  if (fault._tag === "Swizzle") return { ...fault, nodes: fault.nodes.map(rename) }
  if (fault._tag === "Ghost") return { ...fault, from: rename(fault.from), to: rename(fault.to) }
  if ("node" in fault) return { ...fault, node: rename(fault.node) }
  const { from, to } = fault
  return {
    ...fault,
    ...(from === undefined ? {} : { from: rename(from) }),
    ...(to === undefined ? {} : { to: rename(to) })
  }
}
