/**
 * The HELLO of this node to a peer: who it is, and how it stands with that peer.
 */
import * as Frame from "../../protocol/link/Frame.ts"
import * as Lanes from "../../protocol/link/Lanes.ts"
import * as LinkMessage from "../../protocol/link/LinkMessage.ts"
import type { Self } from "./Self.ts"

type Standing = Pick<LinkMessage.Hello, "knows" | "holds">

/** As a frame, with the lanes that a session may have. */
export const frame = (self: Self["Service"], standing: Standing, lanes: number): Uint8Array => {
  const { agent, database, incarnation, instance, listen, network, protocols, versions } = self
  const several = lanes > 1 ? { lanes: Math.min(lanes, Lanes.most) } : {}
  const hello = { network, instance, database, incarnation, versions, ...standing, agent, protocols, ...several }
  return Frame.encode(
    Frame.Kind.Hello,
    LinkMessage.hello.encode(
      listen === undefined ? hello : { ...hello, listen: { host: listen.host, port: listen.port } }
    )
  )
}
