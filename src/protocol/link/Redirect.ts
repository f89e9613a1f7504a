/**
 * Where a peer that this node has dialled says that its link is kept, with REJECT(owner), as far as it may point there
 * (docs/PROTOCOL.md, 6). The same key must answer there.
 */
import { Endpoint, normaliseIp } from "../Address.ts"
import { mayTell, placeOf } from "../gossip/Reach.ts"

/**
 * `address` is of the REJECT, `from` the IP address that was dialled. Nothing if it is nowhere that a node may be sent to,
 * or nearer to this node than the peer is: nobody has it dial its own machine or network from outside. What a name leads
 * to is not known here; a name counts as public.
 */
export const redirected = (
  address: { readonly host: string; readonly port: number },
  from: string
): Endpoint | undefined => {
  const host = normaliseIp(address.host)
  const place = placeOf(host)
  const reach = placeOf(normaliseIp(from))?.reach ?? "public"
  return place !== undefined && mayTell(place.reach, reach) ? new Endpoint({ host, port: address.port }) : undefined
}
