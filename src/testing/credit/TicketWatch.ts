/**
 * Watches the tickets of all nodes: one that counts as granted for whoever has shown it has its tally at the node that has issued it, at
 * every moment. So no receipt goes before what it confirms is committed (I13).
 *
 * It looks into databases in memory only.
 */
import type { MemoryDatabase } from "../../layers/MemoryDatabase.ts"
import { rowsIn, versionOf } from "../../layers/RecordsMemory.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import * as Tables from "../../services/credit/CreditTables.ts"

const nameOf = ({ request, token }: { readonly request: string; readonly token: string }): string =>
  `${token} ${request}`

export class TicketWatch {
  /** Requests that have got their tally, by the issuer's node. */
  readonly #redeemed = new Map<NodeKey, ReadonlySet<string>>()
  readonly #granted = new Set<string>()
  /** What each node's tables were when they were read. */
  readonly #versions = new Map<NodeKey, string>()
  /** Nodes that may have forgotten what they have given. */
  readonly #restored = new Set<NodeKey>()

  /** A node has committed: its users' requests that are granted and have nothing. */
  read(agent: NodeKey, memory: MemoryDatabase["Service"]): ReadonlyArray<string> {
    const version = `${versionOf(memory, Tables.redemptions)} ${versionOf(memory, Tables.requests)}`
    if (this.#versions.get(agent) === version) return []
    this.#versions.set(agent, version)
    this.#redeemed.set(agent, new Set(rowsIn(memory, Tables.redemptions).map(nameOf)))
    const wrong: Array<string> = []
    for (const { issuer, request, status, token } of rowsIn(memory, Tables.requests)) {
      const name = nameOf({ request, token })
      if (status !== "granted" || this.#granted.has(name)) continue
      this.#granted.add(name)
      const isThere = this.#redeemed.get(issuer.agent)?.has(name) ?? false
      if (!isThere && !this.#restored.has(issuer.agent)) wrong.push(request)
    }
    return wrong
  }

  restored(agent: NodeKey): void {
    this.#restored.add(agent)
    this.#versions.delete(agent)
  }
}
