/**
 * Lets a node's chain speak only with peers that keep one too. HELLO has said which, and the handshake has refused who keeps another
 * (docs/PROTOCOL.md, 11.2), so that what is left to look at is whether both have said anything.
 */
import { Effect } from "effect"
import { kinds } from "../../protocol/chain/ChainMessage.ts"
import { nameOf } from "../../protocol/link/Frame.ts"
import type { Beside, LinkedChain } from "./Beside.ts"

/** The chain as it takes part in all sessions. Its frames are a violation where either side keeps none. */
export const guarded = (chain: LinkedChain | undefined): Beside => ({
  kinds,
  join: (session) => (chain === undefined || session.hello.chain === undefined ? Effect.void : chain.join(session)),
  receive: (session, frame) => {
    if (chain === undefined) return `${nameOf(frame.kind)} came, and this node has not said that it keeps a chain`
    if (session.hello.chain === undefined)
      return `${nameOf(frame.kind)} came from a node that has not said which chain it keeps`
    return chain.receive(session, frame)
  }
})
