/**
 * A node as the machines of credit see it: its key, and what signs with it. Ed25519 signs the same bytes the same way, so that a step
 * that signs still depends on nothing but what it is given.
 */
import type { NodeKey } from "../NodeKey.ts"

export interface Signer {
  readonly key: NodeKey
  /** The 64-byte signature of a message. */
  readonly sign: (message: Uint8Array) => Uint8Array
}
