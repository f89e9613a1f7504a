/**
 * The HELLO of this node to a peer: who it is, and how it stands with that peer.
 */
import type { ChainClaim } from "../../protocol/chain/ChainClaim.ts"
import * as Frame from "../../protocol/link/Frame.ts"
import * as Lanes from "../../protocol/link/Lanes.ts"
import * as LinkMessage from "../../protocol/link/LinkMessage.ts"
import type { Self } from "./Self.ts"

/** How this node stands with the peer, how many lanes a session may have, and the chain that this node keeps, if any. */
export interface Standing extends Pick<LinkMessage.Hello, "knows" | "holds"> {
  readonly lanes: number
  readonly chain: ChainClaim | undefined
}

/** As a frame. */
export const frame = (self: Self["Service"], { chain, holds, knows, lanes }: Standing): Uint8Array => {
  const { agent, database, incarnation, instance, listen, network, protocols, versions } = self
  const several = lanes > 1 ? { lanes: Math.min(lanes, Lanes.most) } : {}
  const keeps = chain === undefined ? {} : { chain }
  const about = { network, instance, database, incarnation, versions, knows, holds }
  const hello = { ...about, agent, protocols, ...several, ...keeps }
  return Frame.encode(
    Frame.Kind.Hello,
    LinkMessage.hello.encode(
      listen === undefined ? hello : { ...hello, listen: { host: listen.host, port: listen.port } }
    )
  )
}
