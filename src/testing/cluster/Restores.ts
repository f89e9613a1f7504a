/**
 * A node whose peer has gone back to an older database finds that out before it sends it anything else: what it takes
 * for received would otherwise be lost.
 *
 * Judged when a node sends messages or receipts on a session that both sides mean, so that each has heard how far the
 * other is. Memory databases only.
 */
import { Kind } from "../../protocol/link/Frame.ts"
import { rowsIn } from "../../layers/retry/MemoryRows.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { SimulatedDatabase } from "../database/SimulatedDatabase.ts"
import type { NodeView, Watching } from "./Scenario.ts"

export const restoreNoticed = "no restore goes unnoticed"

/** A node and what it stands on. */
export interface Grounded extends Pick<NodeView, "name" | "key" | "registry"> {
  readonly database: SimulatedDatabase
}

const linkOf = ({ memory }: SimulatedDatabase, peer: NodeKey) =>
  memory === undefined ? undefined : rowsIn.of(memory).links.get(peer)

export class Restores {
  readonly #watching: Watching
  /** Nodes whose databases have gone back. Nothing is looked for before one has. */
  readonly #restored = new Set<string>()

  constructor(watching: Watching) {
    this.#watching = watching
  }

  restored(node: string): void {
    this.#restored.add(node)
  }

  /** A node hands a frame to its connection with a peer. */
  frame(node: Grounded, peer: Grounded, kind: number): void {
    if (!this.#restored.has(peer.name) || (kind !== Kind.Data && kind !== Kind.Receipt)) return
    const here = node.registry?.session(peer.key)?.session.number
    if (here === undefined || here !== peer.registry?.session(node.key)?.session.number) return
    const sending = linkOf(node.database, peer.key)?.sending
    const receiving = linkOf(peer.database, node.key)
    if (sending === undefined || sending.stream !== receiving?.stream || receiving.position >= sending.receipted) return
    this.#watching.violated(
      restoreNoticed,
      `${node.name} takes ${peer.name} to be at ${sending.receipted} of its stream, whose database is at ${receiving.position}`
    )
  }
}
