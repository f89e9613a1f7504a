/**
 * The sessions of all nodes, followed from the transitions that they announce.
 *
 * Watches "one session per pair": a node never has two live sessions with one peer. Tells whether all pairs are
 * connected, and whether both sides mean the same session.
 */
import type { Transition } from "../../services/link/Transition.ts"
import { PresentLives } from "./PresentLives.ts"
import type { NodeView, Scenario, View, Watching } from "./Scenario.ts"

export const onePerPair = "one session per pair"
export const agreement = "sessions agree"
export const connected = "everyone is connected"

export class Sessions {
  readonly #watching: Watching
  /** The live connections of each node, by the peer. */
  readonly #live = new PresentLives(() => new Map<string, Set<number>>())

  constructor(watching: Watching) {
    this.#watching = watching
  }

  /** A connection of a node's life with the peer that is called `who`. */
  transition(node: string, life: number, who: string, { connection, from, reason, session, to }: Transition): void {
    if (to === "active") {
      const live = this.#with(node, life, who)
      live.add(connection)
      this.#watching.count("sessions")
      this.#watching.note(node, "session", { peer: who, number: String(session ?? 0n) })
      if (live.size > 1) this.#watching.violated(onePerPair, `${node} has ${live.size} live sessions with ${who}`)
    } else if (to === "closed" && from === "active") {
      this.#with(node, life, who).delete(connection)
      this.#watching.count(`sessions ended: ${reason ?? "unknown"}`)
      this.#watching.note(node, "session-ended", { peer: who, reason: reason ?? "" })
    }
  }

  #with(node: string, life: number, who: string): Set<number> {
    const peers = this.#live.of(node, life)
    let live = peers.get(who)
    if (live === undefined) peers.set(who, (live = new Set()))
    return live
  }
}

const sessionOf = (node: NodeView, peer: NodeView): bigint | undefined =>
  node.registry?.session(peer.key)?.session.number

/** The connections that other nodes have with this one, by their names, where both run and mean the same session. */
export const connectionsWith = ({ nodes }: View, name: string): ReadonlyMap<string, number> => {
  const connections = new Map<string, number>()
  const node = nodes.find((one) => one.name === name)
  if (node?.state !== "running") return connections
  for (const other of nodes) {
    const live = other.state === "running" ? other.registry?.session(node.key) : undefined
    if (live !== undefined && live.session.number === sessionOf(node, other))
      connections.set(other.name, live.connection.id)
  }
  return connections
}

/** What keeps two nodes from being connected; `undefined` if nothing does. */
export const disconnected = (
  { nodes }: View,
  wants: Scenario["wants"]
): { readonly property: string; readonly detail: string } | undefined => {
  for (const node of nodes) {
    for (const peer of nodes) {
      if (node.name >= peer.name) continue
      if (wants?.(node.name, peer.name, nodes) === false && wants(peer.name, node.name, nodes) === false) continue
      const [here, there] = [sessionOf(node, peer), sessionOf(peer, node)]
      if (here === undefined || there === undefined) {
        const without = here === undefined ? node.name : peer.name
        const other = here === undefined ? peer.name : node.name
        return { property: connected, detail: `${without} has no session with ${other}` }
      }
      if (here !== there) {
        const detail = `${node.name} says ${here} of its session with ${peer.name}, which says ${there}`
        return { property: agreement, detail }
      }
    }
  }
  return undefined
}
