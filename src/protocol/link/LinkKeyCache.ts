/**
 * Which X25519 key belongs to a node key: the answers of `NodeSecret.linkPublicKey`, kept because finding one costs
 * more than a Diffie-Hellman. Nothing secret is in here, and how long an answer takes tells a peer nothing: a
 * remembered answer shortens only what this node asks itself, or what the holder of both keys asks.
 */
import type { NodeKey } from "../NodeKey.ts"
import { linkPublicKey } from "../NodeSecret.ts"

/** The most node keys that are remembered; beyond it the one that was longest unused is forgotten. */
export const maxKeys = 1_024

const same = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

export class LinkKeyCache {
  readonly #limit: number
  readonly #convert: (key: NodeKey) => Uint8Array | undefined
  /** In the order of last use. */
  readonly #known = new Map<NodeKey, Uint8Array>()

  constructor(limit: number = maxKeys, convert: (key: NodeKey) => Uint8Array | undefined = linkPublicKey) {
    this.#limit = limit
    this.#convert = convert
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#known.size
  }

  /** The X25519 key of a node that this node wants to talk to; undefined if no node can hold the key. */
  of(key: NodeKey): Uint8Array | undefined {
    const linkKey = this.#known.get(key) ?? this.#convert(key)
    if (linkKey === undefined) return undefined
    this.#remember(key, linkKey)
    return Uint8Array.from(linkKey)
  }

  /**
   * Whether the node key that a peer claims converts to the X25519 key that it proved. Only true pairs are remembered,
   * and a claim that does not match what is remembered costs what the claim of an unknown key does.
   */
  belongs(claimed: NodeKey, proven: Uint8Array): boolean {
    const known = this.#known.get(claimed)
    const linkKey = known !== undefined && same(known, proven) ? known : this.#convert(claimed)
    if (linkKey === undefined || !same(linkKey, proven)) return false
    this.#remember(claimed, linkKey)
    return true
  }

  #remember(key: NodeKey, linkKey: Uint8Array): void {
    this.#known.delete(key)
    this.#known.set(key, linkKey)
    if (this.#known.size <= this.#limit) return
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest)
      return
    }
  }
}
