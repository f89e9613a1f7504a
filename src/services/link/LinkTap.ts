/**
 * Sees every frame of every link of a node, for metrics, tracing and tests. Without one, which is the default, it costs
 * a property check for each frame.
 *
 * It is read once, while `Links` is built, and called synchronously in the midst of the work: it must be quick and must
 * not throw.
 */
import { Context } from "effect"
import type { NodeKey } from "../../protocol/NodeKey.ts"

/**
 * `kind` is the frame's on its wire (`Frame.nameOf` has words for it), `bytes` its length with its header and before it
 * is encrypted. The peer is the node at the other end, where the wire tells before the first frame, as Noise does.
 */
export interface Tap {
  /** A frame is handed to the queue of its connection, which may have to wait for room. One of a connection that has ended goes nowhere. */
  readonly sent: (peer: NodeKey | undefined, kind: number, bytes: number) => void
  /** A frame of the peer is about to be handled. */
  readonly received: (peer: NodeKey | undefined, kind: number, bytes: number) => void
}

export const LinkTap = Context.Reference<Tap | undefined>("holdfast/services/link/LinkTap", {
  defaultValue: () => undefined
})
