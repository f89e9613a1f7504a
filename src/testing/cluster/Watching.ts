/** What those who watch a simulation see of its nodes, and where they report to. */
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Registry } from "../../services/link/Registry.ts"
import type { TraceEvent } from "../world/Trace.ts"

/** All nodes of a run, in the order of their names. */
export type Nodes = ReadonlyArray<{ readonly name: string; readonly key: NodeKey }>

/** All nodes, for checks. */
export interface View {
  readonly nodes: ReadonlyArray<NodeView>
  /** Microseconds of world time. */
  readonly now: number
}

export interface NodeView {
  readonly name: string
  readonly key: NodeKey
  readonly life: number
  readonly state: "running" | "paused" | "dead"
  /** The services of the life that runs; `undefined` while it is down or starting. Synchronous reads only. */
  readonly registry: Registry["Service"] | undefined
}

/** Where a watcher reports to, and what it may look at. */
export interface Watching {
  readonly view: View
  /** Ends the run: this property does not hold. */
  readonly violated: (property: string, detail: string) => void
  /** An event for the trace. */
  readonly note: (node: string, kind: string, detail: TraceEvent["detail"]) => void
  /** Counts something for the figures. */
  readonly count: (name: string, by?: number) => void
}
