/**
 * How a connection went, in the words of whoever decides when to dial again.
 */
import type * as LinkMessage from "../../protocol/link/LinkMessage.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Ended } from "./Ended.ts"

export interface Rejection {
  readonly by: "peer" | "us"
  readonly reason: LinkMessage.RejectReason
  /** When the peer says that it makes sense to dial again, and where, if it does. */
  readonly retryAfterMillis?: number | undefined
  readonly address?: LinkMessage.Reject["address"] | undefined
}

export interface Outcome {
  readonly ended: Ended
  /** The key at the other end, once it has proven itself. */
  readonly peer: NodeKey | undefined
  /** The session this connection was, if it was one. */
  readonly session: { readonly lifetimeMillis: number; readonly pongs: number; readonly startedAt: number } | undefined
  /** Why no session came of it, if either side said so. */
  readonly reject: Rejection | undefined
  readonly goodbye: LinkMessage.Goodbye | undefined
}

/** A connection that came to nothing before its peer was known. */
export const nothing = (reason: Ended): Outcome => ({
  ended: reason,
  peer: undefined,
  session: undefined,
  reject: undefined,
  goodbye: undefined
})
