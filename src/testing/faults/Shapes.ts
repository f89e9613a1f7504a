/**
 * Which ways between nodes a fault cuts: links and the shapes of partitions, as in Jepsen.
 */
import type { FaultOf } from "./FaultPlan.ts"
import type { Select } from "./Stage.ts"

export interface Link {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly oneWay?: boolean | undefined
}

/** From one node to another, of one node, or everywhere; and back, unless it is one way. */
export const link = ({ from, oneWay = false, to }: Link): Select => {
  const along: Select = (source, target) => (from ?? source) === source && (to ?? target) === target
  return oneWay ? along : (source, target) => along(source, target) || along(target, source)
}

/** Everything that one node sends and is sent. */
export const around = (node: string): Select => link({ from: node })

/** From one group to another, and back unless it is one way. */
const between = (one: (node: string) => boolean, other: (node: string) => boolean, oneWay: boolean): Select =>
  oneWay ? (from, to) => one(from) && other(to) : (from, to) => (one(from) && other(to)) || (one(to) && other(from))

/** The ways that a partition cuts among these nodes. */
export const partition = (
  { oneWay = false, shape, side }: Omit<FaultOf<"Partition">, "_tag" | "for">,
  nodes: ReadonlyArray<string>
): Select => {
  const onSide = (node: string) => side.includes(node)
  switch (shape) {
    case "split":
      return between(onSide, (node) => !onSide(node), oneWay)
    case "isolate":
      return oneWay
        ? (from, to) => from !== to && onSide(from)
        : (from, to) => from !== to && (onSide(from) || onSide(to))
    case "bridge": {
      const rest = nodes.filter((node) => !onSide(node))
      const half = new Set(rest.slice(0, rest.length >> 1))
      return between(
        (node) => half.has(node),
        (node) => !half.has(node) && !onSide(node),
        oneWay
      )
    }
    case "ring":
      return (from, to) => from !== to && !hears(to, from, nodes)
  }
}

/** In a ring every node hears a majority, itself in its middle, and no two nodes the same one. */
const hears = (node: string, other: string, nodes: ReadonlyArray<string>): boolean => {
  const majority = (nodes.length >> 1) + 1
  const first = nodes.indexOf(node) - (majority >> 1)
  const place = (nodes.indexOf(other) - first + nodes.length) % nodes.length
  return place < majority
}
