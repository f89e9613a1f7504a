/**
 * The faults of a run as bands: from which event to which each was at work, and on which nodes.
 */
import type { FailureFile } from "../campaign/FailureFile.ts"
import type { Fault } from "../faults/FaultPlan.ts"
import { describeFault } from "../faults/Words.ts"
import { fact } from "./EventWords.ts"

export interface FaultBand {
  /** Its place in the plan, from 0; -1 if the plan has no such entry. */
  readonly entry: number
  readonly words: string
  /** Whom it strikes; everyone, if nobody is named. */
  readonly nodes: ReadonlyArray<string>
  /** Places in the trace, both included. */
  readonly first: number
  readonly last: number
}

/** Bands that are followed; later faults are events without one. */
const maxBands = 500

/** The nodes that a fault strikes, of these. */
export const struck = (fault: Fault, nodes: ReadonlyArray<string>): ReadonlyArray<string> => {
  if ("node" in fault) return [fault.node]
  if (fault._tag === "Swizzle") return fault.nodes
  if (fault._tag === "Partition") {
    if (fault.shape === "ring") return nodes
    return fault.shape === "bridge" ? nodes.filter((node) => !fault.side.includes(node)) : fault.side
  }
  const ends = [fault.from, fault.to].filter((node) => node !== undefined)
  return ends.length === 0 ? nodes : ends
}

type Open = Omit<FaultBand, "last">

/** The bands of a trace, in the order in which they begin. */
export const faultBands = (
  { plan, trace }: Pick<FailureFile, "plan" | "trace">,
  nodes: ReadonlyArray<string>
): ReadonlyArray<FaultBand> => {
  const open = new Map<string, Open>()
  const done: Array<FaultBand> = []
  const begin = (index: number, key: string, node: string, words: string): void => {
    if (open.size + done.length >= maxBands) return
    const entry = /^\d{1,5}$/.test(key) ? Number(key) : -1
    const fault = plan.faults[entry]?.fault
    const named = fault === undefined ? [node].filter((name) => name !== "") : struck(fault, nodes)
    open.set(key, {
      entry: fault === undefined ? -1 : entry,
      words: fault === undefined ? words : describeFault(fault),
      nodes: named.length === 0 ? nodes : named,
      first: index
    })
  }
  const end = (key: string, last: number): void => {
    const band = open.get(key)
    if (band !== undefined) done.push({ ...band, last })
    open.delete(key)
  }
  for (const [index, event] of trace.entries()) {
    const key = fact(event, "entry")
    const words = fact(event, "words") || fact(event, "fault")
    if (event.kind === "fault") {
      end(key, index)
      begin(index, key, event.node, words)
    } else if (event.kind === "fault-over") {
      // It had begun before the first event that was kept.
      if (!open.has(key) && !done.some(({ entry }) => String(entry) === key)) begin(0, key, event.node, words)
      end(key, index)
    } else if (event.kind === "quiet") for (const each of open.keys()) end(each, index)
  }
  for (const key of open.keys()) end(key, trace.length - 1)
  return done.sort((a, b) => a.first - b.first || a.entry - b.entry)
}

/** Which of the bands side by side each is drawn in, so that none covers another: 0 for most. */
export const slots = (bands: ReadonlyArray<FaultBand>): ReadonlyArray<number> => {
  const busy: Array<number> = []
  return bands.map(({ first, last }) => {
    const free = busy.findIndex((until) => until < first)
    const slot = free === -1 ? busy.length : free
    busy[slot] = last
    return slot
  })
}
