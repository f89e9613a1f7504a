/**
 * Addresses that a lesser source gave for peers of whom a better one gave another: worth a try when that one fails, for
 * a peer that has moved says so before anybody has reached it there. In memory, since the peer will say it again.
 */
import type { Endpoint } from "../../protocol/Address.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"

/** Peers of whom one is kept; beyond it the one that was noted longest ago is forgotten. */
const most = 4_096

export class Alternatives {
  /** The one noted last comes last. */
  readonly #endpoints = new Map<NodeKey, Endpoint>()

  note(peer: NodeKey, endpoint: Endpoint): void {
    this.#endpoints.delete(peer)
    this.#endpoints.set(peer, endpoint)
    if (this.#endpoints.size > most) for (const [oldest] of this.#endpoints) return this.forget(oldest)
  }

  forget(peer: NodeKey): void {
    this.#endpoints.delete(peer)
  }

  /** For an entry of this peer with this address: nothing if there is no other. */
  of(peer: NodeKey, endpoint: Endpoint | undefined): { readonly alternative?: Endpoint } {
    const alternative = this.#endpoints.get(peer)
    return alternative === undefined || alternative.toString() === endpoint?.toString() ? {} : { alternative }
  }
}
