/**
 * Where a peer that has dialled us can be dialled itself: what its HELLO says, as far as that can be true
 * (docs/PROTOCOL.md, 6). A guess until a dial has worked.
 */
import { Endpoint, normaliseIp } from "../Address.ts"
import { mayTell, placeOf, reachOf } from "../gossip/Reach.ts"

const wildcard = /^(0\.0\.0\.0|::)$/

/** As it is dialled: with its zone, which a link-local address needs. */
const hostOf = (remote: string): string =>
  remote
    .slice(0, remote.lastIndexOf(":"))
    .replace(/^\[|\]$/g, "")
    .replace(/^::ffff:(?=[\d.]+$)/i, "")

/**
 * `listen` is of the HELLO, `remote` is where its connection comes from, as `host:port`. The port is always the HELLO's.
 * The host is the one that the connection comes from, unless the HELLO names another to which somebody there may point:
 * nobody is sent to this node's own machine or network by a stranger.
 */
export const advertised = (listen: { readonly host: string; readonly port: number }, remote: string): Endpoint => {
  const seen = hostOf(remote)
  const place = placeOf(normaliseIp(listen.host))
  const believed = !wildcard.test(listen.host) && place !== undefined && mayTell(place.reach, reachOf(remote))
  return new Endpoint({ host: believed ? listen.host : seen, port: listen.port })
}
