/**
 * A failure made ready to be told: its nodes as lanes, its events with their words, who is concerned by each, which
 * message took effect where, the faults as bands, and the moment at which it failed. The page and the text draw this.
 */
import type { FailureFile } from "../campaign/FailureFile.ts"
import { nodeNames } from "../cluster/NodeNames.ts"
import { describe as describeVerdict } from "../cluster/Verdict.ts"
import type { TraceEvent } from "../world/Trace.ts"
import { Counterparts } from "./Counterparts.ts"
import { describe, fact, type Family, familyOf, messageOf } from "./EventWords.ts"
import { type FaultBand, faultBands } from "./FaultBands.ts"

export interface Row {
  readonly event: TraceEvent
  /** Without the node. */
  readonly words: string
  readonly family: Family
  /** The lane it happens in; `undefined` for the world. */
  readonly lane: number | undefined
  /** The lane of the other node that it is about. */
  readonly other: number | undefined
  /** For a message that takes effect: the row in which it was sent, and whether it had taken effect before. */
  readonly delivery: { readonly sent: number | undefined; readonly again: boolean } | undefined
  /** Here the property that failed did fail. */
  readonly failed: boolean
}

export interface Story {
  readonly file: FailureFile
  readonly lanes: ReadonlyArray<string>
  /** Events before the first row, which are not told. */
  readonly earlier: ReadonlyArray<TraceEvent>
  readonly rows: ReadonlyArray<Row>
  /** By rows. */
  readonly bands: ReadonlyArray<FaultBand>
  /** The row that tells the verdict: where the property failed, or the last one. */
  readonly end: number
}

/** Nodes that have a lane of their own. */
const maxLanes = 64
/** Up to this many nodes all have a lane; of more only those of which there is something to tell. */
const fewNodes = 12
export const otherNodes = "others"

/** @param most events that are told: the last ones */
export const story = (file: FailureFile, most: number): Story => {
  const names = nodeNames(file.plan.nodes)
  const cut = Math.max(0, file.trace.length - most)
  const earlier = file.trace.slice(0, cut)
  const kept = file.trace.slice(cut)
  const trace = [...kept, ...closing(file, kept)]
  const whole = [...earlier, ...trace]
  const bands = faultBands({ plan: file.plan, trace: whole }, names).flatMap((band) => {
    const last = band.last - cut
    return last < 0 ? [] : [{ ...band, first: Math.max(0, band.first - cut), last }]
  })
  const counterparts = new Counterparts([...names, ...whole.map(({ node }) => node)])
  const others = whole.map((event) => counterparts.of(event)).slice(cut)
  const lanes = lanesOf(names, trace, others, bands)
  const places = new Map(lanes.map((name, index) => [name, index]))
  const laneOf = (name: string | undefined): number | undefined =>
    name === undefined || name === "" ? undefined : (places.get(name) ?? places.get(otherNodes))
  const deliveries = deliveriesOf(trace)
  const end = endOf(file, trace)
  const rows = trace.map((event, index) => ({
    event,
    words: describe(event, others[index]),
    family: familyOf(event),
    lane: laneOf(event.node),
    other: laneOf(others[index]),
    delivery: deliveries.get(index),
    failed: index === end && file.verdict._tag !== "Held"
  }))
  return { file, lanes, earlier, rows, bands, end }
}

const isVerdict = ({ verdict }: FailureFile, event: TraceEvent): boolean =>
  event.kind === "property" && "property" in verdict && fact(event, "name") === verdict.property

/** The verdict as a last event, unless the trace itself tells where it came from. */
const closing = (file: FailureFile, kept: ReadonlyArray<TraceEvent>): ReadonlyArray<TraceEvent> => {
  if (kept.some((event) => isVerdict(file, event))) return []
  const at = file.trace.at(-1)?.at ?? 0
  const [words = ""] = describeVerdict(file.verdict).split("\n")
  return [{ n: file.events, at, node: "", kind: "verdict", detail: { words } }]
}

const endOf = (file: FailureFile, trace: ReadonlyArray<TraceEvent>): number => {
  const found = trace.findLastIndex((event) => isVerdict(file, event))
  return found === -1 ? trace.length - 1 : found
}

const lanesOf = (
  names: ReadonlyArray<string>,
  trace: ReadonlyArray<TraceEvent>,
  others: ReadonlyArray<string | undefined>,
  bands: ReadonlyArray<FaultBand>
): ReadonlyArray<string> => {
  const told = new Set<string>()
  for (const name of [...trace.map(({ node }) => node), ...others])
    if (name !== undefined && name !== "") told.add(name)
  for (const { nodes } of bands) if (nodes.length < names.length) for (const name of nodes) told.add(name)
  const known = names.length <= fewNodes ? names : names.filter((name) => told.has(name))
  const all = [...known, ...[...told].filter((name) => !names.includes(name))]
  return all.length <= maxLanes ? all : [...all.slice(0, maxLanes - 1), otherNodes]
}

/** Every message that takes effect, by its row. */
const deliveriesOf = (trace: ReadonlyArray<TraceEvent>): ReadonlyMap<number, NonNullable<Row["delivery"]>> => {
  const sent = new Map<string, number>()
  const taken = new Set<string>()
  const found = new Map<number, NonNullable<Row["delivery"]>>()
  for (const [index, event] of trace.entries()) {
    if (event.kind === "sent") sent.set(JSON.stringify([event.node, fact(event, "to"), messageOf(event)]), index)
    if (event.kind !== "effect") continue
    const key = JSON.stringify([fact(event, "from"), event.node, messageOf(event)])
    found.set(index, { sent: sent.get(key), again: taken.has(key) })
    taken.add(key)
  }
  return found
}
