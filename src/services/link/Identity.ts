/**
 * Who this node is: its key, the X25519 pair for secure channels, and its signature.
 *
 * The secrets stay inside; `linkKeys.secretKey` is `Redacted` and neither it nor the seed is ever logged. Whoever has
 * the seed is the node. `NodeSecret.verify` checks a signature without this service.
 */
import { Context } from "effect"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import * as NodeSecret from "../../protocol/NodeSecret.ts"

export class Identity extends Context.Service<
  Identity,
  {
    /** The Ed25519 public key: the name of this node everywhere. */
    readonly key: NodeKey
    /** The X25519 pair converted from it, for the Noise handshake. */
    readonly linkKeys: NodeSecret.LinkKeys
    /** The 64-byte Ed25519 signature of a message. */
    readonly sign: (message: Uint8Array) => Uint8Array
  }
>()("holdfast/services/link/Identity") {}

/** The identity of a node secret. */
export const fromSecret = (secret: NodeSecret.NodeSecret): Identity["Service"] =>
  Identity.of({
    key: secret.key,
    linkKeys: secret.linkKeys,
    sign: (message) => NodeSecret.sign(secret, message)
  })
