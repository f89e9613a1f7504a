/**
 * The sessions of all nodes, followed from the transitions that they announce.
 *
 * Watches "one session per pair": a node never has two live sessions with one peer. Tells whether all pairs are
 * connected, and whether both sides mean the same session.
 */
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Transition } from "../../services/link/Transition.ts"
import type { NodeView, Scenario, View, Watching } from "./Scenario.ts"

export const onePerPair = "one session per pair"
export const agreement = "sessions agree"
export const connected = "everyone is connected"

export class Sessions {
  readonly #watching: Watching
  /** The live connections of each node's life, by the peer. */
  readonly #live = new Map<string, Map<NodeKey, Set<number>>>()
  readonly #nameOf: (key: NodeKey) => string

  constructor(watching: Watching, nameOf: (key: NodeKey) => string) {
    this.#watching = watching
    this.#nameOf = nameOf
  }

  transition(node: string, life: number, { connection, from, peer, reason, session, to }: Transition): void {
    if (peer === undefined) return
    const who = this.#nameOf(peer)
    if (to === "active") {
      const live = this.#of(`${node}/${life}`, peer)
      live.add(connection)
      this.#watching.count("sessions")
      this.#watching.note(node, "session", { peer: who, number: String(session ?? 0n) })
      if (live.size > 1) this.#watching.violated(onePerPair, `${node} has ${live.size} live sessions with ${who}`)
    } else if (to === "closed" && from === "active") {
      this.#of(`${node}/${life}`, peer).delete(connection)
      this.#watching.count(`sessions ended: ${reason ?? "unknown"}`)
      this.#watching.note(node, "session-ended", { peer: who, reason: reason ?? "" })
    }
  }

  #of(life: string, peer: NodeKey): Set<number> {
    let peers = this.#live.get(life)
    if (peers === undefined) this.#live.set(life, (peers = new Map()))
    let live = peers.get(peer)
    if (live === undefined) peers.set(peer, (live = new Set()))
    return live
  }
}

const sessionOf = (node: NodeView, peer: NodeView): bigint | undefined =>
  node.registry?.session(peer.key)?.session.number

/** What keeps two nodes from being connected; `undefined` if nothing does. */
export const disconnected = (
  { nodes }: View,
  wants: Scenario["wants"]
): { readonly property: string; readonly detail: string } | undefined => {
  for (const node of nodes) {
    for (const peer of nodes) {
      if (node.name >= peer.name) continue
      if (wants?.(node.name, peer.name) === false && wants(peer.name, node.name) === false) continue
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
