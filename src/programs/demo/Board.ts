/**
 * What the demo knows of its nodes at every moment: the page that the live view draws, and that the faults are timed by.
 */
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Status } from "./Contract.ts"

export const names = ["A", "B", "C"] as const
export type Name = (typeof names)[number]
export type State = "starting" | "running" | "frozen" | "killed" | "stopped"

export const othersOf = (name: Name): ReadonlyArray<Name> => names.filter((other) => other !== name)

/** One node as it was last heard of. */
export interface Entry {
  state: State
  key: NodeKey | undefined
  delivered: number
  /** By the name of the other node. */
  readonly peers: Map<Name, { readonly sent: number; readonly owed: number; readonly session: string | undefined }>
}

/** Something that was done to the nodes. Times are milliseconds since 1970. */
export interface Fault {
  readonly kind: "kill" | "cut" | "freeze"
  /** One node, or both ends of a line. */
  readonly nodes: ReadonlyArray<Name>
  readonly at: number
  /** Messages owed to and by the nodes concerned, as the nodes said just before. */
  readonly owed: number
  /** When it was undone: restarted, healed, continued. */
  until: number | undefined
  /** When every session that it had broken was live again. */
  recovered: number | undefined
}

/** Whether a fault stands in the way between two nodes: a cut in that of one line, all else in that of a whole node. */
export const concerns = ({ kind, nodes }: Pick<Fault, "kind" | "nodes">, from: Name, to: Name): boolean =>
  kind === "cut" ? nodes.includes(from) && nodes.includes(to) : nodes.includes(from) || nodes.includes(to)

export class Board {
  readonly messages: number
  readonly startedAt: number
  readonly faults: Array<Fault> = []
  /** What the demo does now, for people. */
  doing = "starting three nodes"
  private readonly entries = new Map<Name, Entry>()
  private readonly sessions = new Set<string>()

  constructor(messages: number, startedAt: number) {
    this.messages = messages
    this.startedAt = startedAt
    for (const name of names) {
      this.entries.set(name, { state: "starting", key: undefined, delivered: 0, peers: new Map() })
    }
  }

  entry(name: Name): Entry {
    const entry = this.entries.get(name)
    if (entry === undefined) throw new Error(`there is no node ${name}`)
    return entry
  }

  nameOf(key: NodeKey): Name | undefined {
    return names.find((name) => this.entry(name).key === key)
  }

  /** What was still on its way when a node was stopped counts for nothing. */
  heard(name: Name, status: Status): void {
    const entry = this.entry(name)
    if (entry.state !== "running") return
    entry.delivered = status.delivered
    for (const { key, owed, sent, session } of status.peers) {
      const other = this.nameOf(key)
      if (other === undefined) continue
      entry.peers.set(other, { sent, owed, session })
      if (session !== undefined) this.sessions.add(`${[name, other].sort().join("")} ${session}`)
    }
  }

  /** A node that does not run has no session, whatever it said last. */
  silenced(name: Name, state: State): void {
    const entry = this.entry(name)
    entry.state = state
    for (const [other, peer] of entry.peers) entry.peers.set(other, { ...peer, session: undefined })
  }

  sum(name: Name, of: "sent" | "owed"): number {
    return [...this.entry(name).peers.values()].reduce((total, peer) => total + peer[of], 0)
  }

  /** Owed in the directions that a fault stands in the way of. */
  owedIn(fault: Pick<Fault, "kind" | "nodes">): number {
    let total = 0
    for (const from of names) {
      for (const [to, { owed }] of this.entry(from).peers) if (concerns(fault, from, to)) total += owed
    }
    return total
  }

  /** Whether both ends of every line have a session, and the same one. */
  get connected(): boolean {
    return names.every((from) =>
      othersOf(from).every((to) => {
        const [here, there] = [this.entry(from).peers.get(to)?.session, this.entry(to).peers.get(from)?.session]
        return here !== undefined && here === there
      })
    )
  }

  /** Everything was sent and nothing is owed, as all nodes say. */
  get done(): boolean {
    return names.every(
      (name) =>
        this.entry(name).state === "running" &&
        this.sum(name, "sent") === this.messages * 2 &&
        this.sum(name, "owed") === 0
    )
  }

  /** Sessions after the first of each pair, as far as the nodes have been heard of. */
  get reconnects(): number {
    return Math.max(0, this.sessions.size - 3)
  }
}
