/**
 * What a node says before it closes a connection, as frames (docs/PROTOCOL.md, 4).
 */
import * as Frame from "../../protocol/link/Frame.ts"
import * as LinkMessage from "../../protocol/link/LinkMessage.ts"

/** Characters of a detail; the rest is cut off. */
const longest = 256

/** Ends a live session. */
export const goodbye = (reason: LinkMessage.GoodbyeReason, retryAfterMillis: number, detail: string): Uint8Array =>
  Frame.encode(
    Frame.Kind.Goodbye,
    LinkMessage.goodbye.encode({ reason, retryAfterMillis, detail: detail.slice(0, longest) })
  )

/** Refuses a connection that is not a session; with `banned` it says for how long, a day at the most. */
export const reject = (
  reason: LinkMessage.RejectReason,
  number: bigint,
  detail: string,
  retryAfterMillis?: number
): Uint8Array =>
  Frame.encode(
    Frame.Kind.Reject,
    LinkMessage.reject.encode({
      reason,
      number,
      detail: detail.slice(0, longest),
      ...(retryAfterMillis === undefined
        ? {}
        : { retryAfterMillis: Math.min(LinkMessage.maxRetryMillis, Math.max(0, Math.ceil(retryAfterMillis))) })
    })
  )
