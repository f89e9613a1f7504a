/**
 * What of a fault plan a proxy can carry out. It has connections and dials in hand and knows the time; it sees neither
 * frames nor commits, and no process, clock, name or database. What it cannot do is never left out silently.
 */
import { Schema } from "effect"
import type { Entry, Fault, FaultKind, FaultPlan } from "../faults/FaultPlan.ts"
import { link, partition } from "../faults/Shapes.ts"
import { describe } from "../faults/Words.ts"
import type { ProxyNetwork } from "./ProxyNetwork.ts"

/** Entries that a proxy cannot carry out. The message names each, why, and what to do instead. */
export class PlanUnsupported extends Schema.TaggedError<PlanUnsupported>()("PlanUnsupported", {
  entries: Schema.Array(Schema.Struct({ index: Schema.Int, what: Schema.String, why: Schema.String }))
}) {
  override get message(): string {
    const shown = this.entries.slice(0, 20).map(({ index, what, why }) => `  faults[${index}], ${what}: ${why}`)
    const more = this.entries.length - shown.length
    return [
      `a proxy cannot carry out ${this.entries.length} of the faults of this plan:`,
      ...shown,
      ...(more > 0 ? [`  and ${more} more`] : []),
      "Take them out of the plan, replay it in the simulator, or leave them out here with --ignore-unsupported"
    ].join("\n")
  }
}

/** An entry with the place that it has in its plan. */
export interface Timed {
  readonly index: number
  readonly at: number
  readonly entry: Entry
}

export interface Checked {
  readonly possible: ReadonlyArray<Timed>
  readonly unsupported: PlanUnsupported["entries"]
}

const simulatorOnly = "only the simulator can do that"
const ofProcess = "a proxy does not own the process: send the signal yourself"
const ofClock = `the clock belongs to the process: ${simulatorOnly}`
const ofDatabase = "a proxy between nodes does not see their databases: restart or slow the database itself"

const impossible: { readonly [K in FaultKind]?: string } = {
  Exhaustion: "limit the descriptors of the process (ulimit -n) instead",
  Dns: "a proxy does not resolve names: give the node a name of your own and change that",
  Move: "start the node at another port instead, with a route for it",
  Kill: `${ofProcess} (SIGKILL)`,
  Restart: `${ofProcess} (SIGTERM)`,
  Pause: `${ofProcess} (SIGSTOP, SIGCONT)`,
  ClockStep: ofClock,
  ClockDrift: ofClock,
  LateTimers: ofClock,
  SlowDatabase: ofDatabase,
  FailingDatabase: ofDatabase,
  DatabaseRestart: ofDatabase,
  RestoreBackup: ofDatabase,
  Buggify: `the point is inside the process: ${simulatorOnly}`
}

const give = (route: string): string => `no route carries it: give --route ${route}=host:port`
const none = "no route carries it: give a --route between the nodes that it is about"

/** Why a fault cannot strike here; `undefined` if it can. */
export const obstacle = (fault: Fault, network: ProxyNetwork, nodes: ReadonlyArray<string>): string | undefined => {
  const dialled = (select: (from: string, to: string) => boolean): boolean =>
    network.entrances.some(({ from, to }) => select(from, to))
  switch (fault._tag) {
    case "Partition":
      return network.carries(partition(fault, nodes)) ? undefined : none
    case "Swizzle": {
      const absent = fault.nodes.find((node) => !network.carries(link({ from: node })))
      return absent === undefined ? undefined : give(`${absent}>...`)
    }
    case "Ghost":
      return network.entrance(fault.from, fault.to) === undefined ? give(`${fault.from}>${fault.to}`) : undefined
    case "Backlog":
      return dialled((_, to) => to === fault.node) ? undefined : give(`...>${fault.node}`)
    case "Dials":
      return dialled(link(fault)) ? undefined : none
    case "Stall":
    case "Silence":
    case "Close":
    case "CloseAfter":
    case "Slow":
    case "Bandwidth":
    case "Loss":
    case "Chunks":
    case "Window":
    case "BitFlips":
      return network.carries(link(fault)) ? undefined : none
    default:
      return impossible[fault._tag] ?? simulatorOnly
  }
}

/** Sorts the entries of a plan by whether this network can carry them out. */
export const check = ({ faults }: FaultPlan, network: ProxyNetwork, nodes: ReadonlyArray<string>): Checked => {
  const possible: Array<Timed> = []
  const unsupported: Array<PlanUnsupported["entries"][number]> = []
  for (const [index, entry] of faults.entries()) {
    const { fault, when } = entry
    const why =
      obstacle(fault, network, nodes) ?? ("at" in when ? undefined : "a proxy knows only the time: give an `at`")
    if (why === undefined && "at" in when) possible.push({ index, entry, at: when.at })
    else unsupported.push({ index, what: describe(entry), why: why ?? simulatorOnly })
  }
  return { possible, unsupported }
}
