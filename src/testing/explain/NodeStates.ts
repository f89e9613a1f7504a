/**
 * What each node is at every moment of a trace, as far as its events tell: whether its process lives, its sessions, what
 * it owes (messages that it sent and that have neither taken effect nor been concluded), its commits.
 */
import type { TraceEvent } from "../world/Trace.ts"
import { fact, messageOf } from "./EventWords.ts"

export type Process = "alive" | "paused" | "stopping" | "dead" | "unseen"

/** For people: every part may be empty. */
export interface NodeState {
  readonly process: Process
  readonly life: string
  readonly sessions: string
  readonly owed: string
  readonly commits: string
}

const afterKind: ReadonlyMap<string, Process> = new Map([
  ["start", "alive"],
  ["resume", "alive"],
  ["pause", "paused"],
  ["stop", "stopping"],
  ["kill", "dead"],
  ["ended", "dead"]
])

/** What a process was before the first thing that is known of it. */
const beforeKind: ReadonlyMap<string, Process> = new Map([
  ["start", "dead"],
  ["resume", "paused"],
  ["pause", "alive"],
  ["stop", "alive"],
  ["kill", "alive"],
  ["ended", "alive"]
])

class Following {
  process: Process = "unseen"
  life = ""
  commits = ""
  readonly sessions = new Map<string, string>()
  readonly owed = new Map<string, Set<string>>()

  get state(): NodeState {
    return {
      process: this.process,
      life: this.life,
      sessions: [...this.sessions]
        .map(([peer, number]) => `${peer} #${number}`)
        .sort()
        .join(", "),
      owed: [...this.owed]
        .flatMap(([to, ids]) => (ids.size === 0 ? [] : [`${ids.size} to ${to}`]))
        .sort()
        .join(", "),
      commits: this.commits
    }
  }
}

export class NodeStates {
  readonly #nodes = new Map<string, Following>()

  constructor(nodes: ReadonlyArray<string>, trace: ReadonlyArray<TraceEvent>) {
    for (const node of nodes) this.#nodes.set(node, new Following())
    const known = new Set<string>()
    for (const event of trace) {
      const following = this.#nodes.get(event.node)
      const before = beforeKind.get(event.kind)
      if (following === undefined || known.has(event.node)) continue
      following.process = before ?? "alive"
      if (before !== undefined) known.add(event.node)
      if (before !== undefined && before !== "dead") following.life = fact(event, "life")
    }
  }

  state(node: string): NodeState {
    return (this.#nodes.get(node) ?? new Following()).state
  }

  /** The nodes whose state an event changes, after it. */
  step(event: TraceEvent): ReadonlyArray<string> {
    const node = this.#nodes.get(event.node)
    if (node === undefined) return []
    const process = afterKind.get(event.kind)
    if (process !== undefined) {
      node.process = process
      node.life = fact(event, "life") || node.life
      if (process === "dead" || event.kind === "start") node.sessions.clear()
      return [event.node]
    }
    switch (event.kind) {
      case "session":
        node.sessions.set(fact(event, "peer"), fact(event, "number"))
        return [event.node]
      case "session-ended":
        node.sessions.delete(fact(event, "peer"))
        return [event.node]
      case "commit":
        node.commits = fact(event, "n")
        return [event.node]
      case "sent":
        this.#owes(node, fact(event, "to")).add(messageOf(event))
        return [event.node]
      case "effect":
        return this.#settle(fact(event, "from"), event.node, messageOf(event))
      case "concluded":
        return this.#settle(event.node, fact(event, "to"), messageOf(event))
      default:
        return []
    }
  }

  #owes(node: Following, to: string): Set<string> {
    const owed = node.owed.get(to) ?? new Set()
    node.owed.set(to, owed)
    return owed
  }

  #settle(from: string, to: string, id: string): ReadonlyArray<string> {
    return this.#nodes.get(from)?.owed.get(to)?.delete(id) === true ? [from] : []
  }
}
