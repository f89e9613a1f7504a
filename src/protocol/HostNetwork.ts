/**
 * What counts as one host, and what as one neighbourhood of hosts, where nothing but an IP address is known.
 *
 * A host is an IPv4 address, or the /64 that an IPv6 address is of, because whoever has one address there has them
 * all. Limits and bans go by it. It is never an identity: many nodes may share one.
 */
import { normaliseIp } from "./Address.ts"
import { isIpv4, ipv6Groups } from "./IpAddress.ts"

/** The IPv4 address that IPv6 groups stand for, if they do. */
const mapped = ([a, b, c, d, e, f, high = 0, low = 0]: ReadonlyArray<number>): string | undefined =>
  a === 0 && b === 0 && c === 0 && d === 0 && e === 0 && f === 0xffff
    ? `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
    : undefined

const joined = (groups: ReadonlyArray<number>): string => groups.map((group) => group.toString(16)).join(":")
const prefix = (groups: ReadonlyArray<number>, count: number): string =>
  `${joined(groups.slice(0, count))}::/${count * 16}`
const bare = (text: string): string => normaliseIp(text.trim().replace(/^\[(.*)\]$/, "$1"))

/** One text for each IP address, however it is written. A text that is no address is its own, in lower case. */
export const ipOf = (remote: string): string => {
  const ip = bare(remote)
  const groups = isIpv4(ip) ? undefined : ipv6Groups(ip)
  return groups === undefined ? ip : (mapped(groups) ?? joined(groups))
}

/**
 * The host that an IP address is of: `10.0.0.1`, or `2001:db8:0:0::/64`, which is read as well. Nothing if the text is
 * no address.
 */
export const parseHost = (text: string): string | undefined => {
  const ip = bare(text)
  if (isIpv4(ip)) return ip
  const groups = ipv6Groups(ip.replace(/::\/64$/, "::"))
  return groups === undefined ? undefined : (mapped(groups) ?? prefix(groups, 4))
}

/** The same for what a transport says of a remote end; anything that is no address is a host by its own name. */
export const hostOf = (remote: string): string => parseHost(remote) ?? normaliseIp(remote)

/** Hosts that are likely in one hand: an IPv4 /16, an IPv6 /32. */
export const neighbourhoodOf = (remote: string): string => {
  const ip = normaliseIp(remote)
  const groups = isIpv4(ip) ? undefined : ipv6Groups(ip)
  const ipv4 = groups === undefined ? (isIpv4(ip) ? ip : undefined) : mapped(groups)
  if (ipv4 !== undefined) return `${ipv4.split(".").slice(0, 2).join(".")}.0.0/16`
  return groups === undefined ? ip : prefix(groups, 2)
}
