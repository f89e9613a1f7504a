/**
 * From where a host can be reached, and so whose word is enough to dial it (docs/PROTOCOL.md, 10.3).
 *
 * Only a host in its one canonical form has a place, so that no spelling of a loopback address passes for a name.
 * Nothing is looked up: what a name leads to is not known here.
 */
import { normaliseIp } from "../Address.ts"
import { hostOf } from "../HostNetwork.ts"

/** Narrowest first: this machine, a network of its own, everywhere. */
export const reaches = ["loopback", "private", "public"] as const
export type Reach = (typeof reaches)[number]

export interface Place {
  readonly reach: Reach
  /** What limits count as one host; a name is one. */
  readonly network: string
  readonly isName: boolean
}

const bitsOfV4 = (ip: string): string =>
  ip
    .split(".")
    .map((part) => Number(part).toString(2).padStart(8, "0"))
    .join("")

const bitsOfV6 = (ip: string): string => {
  const [head = "", tail] = ip.split("::")
  const before = head === "" ? [] : head.split(":")
  const after = tail === undefined || tail === "" ? [] : tail.split(":")
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length
  return [...before, ...Array<string>(zeros).fill("0"), ...after]
    .map((group) => Number.parseInt(group, 16).toString(2).padStart(16, "0"))
    .join("")
}

const bitsOf = (ip: string): string => (ip.includes(":") ? bitsOfV6(ip) : bitsOfV4(ip))

/** Blocks of addresses in which the more special come first; `undefined`: not for anybody to be sent to. */
const blocks = (list: ReadonlyArray<readonly [block: string, reach: Reach | undefined]>) =>
  list.map(([block, reach]) => {
    const [ip = "", length] = block.split("/")
    return [bitsOf(ip).slice(0, Number(length)), reach] as const
  })

const blocksV4 = blocks([
  ["127.0.0.0/8", "loopback"],
  ["10.0.0.0/8", "private"],
  ["172.16.0.0/12", "private"],
  ["192.168.0.0/16", "private"],
  // Shared by the customers of one provider.
  ["100.64.0.0/10", "private"],
  ["0.0.0.0/8", undefined],
  // Link-local: no other machine means the same by it, and cloud machines answer with their secrets there.
  ["169.254.0.0/16", undefined],
  ["192.0.0.0/24", undefined],
  ["192.0.2.0/24", undefined],
  ["192.88.99.0/24", undefined],
  ["198.18.0.0/15", undefined],
  ["198.51.100.0/24", undefined],
  ["203.0.113.0/24", undefined],
  ["224.0.0.0/3", undefined],
  ["0.0.0.0/0", "public"]
])

const blocksV6 = blocks([
  ["::1/128", "loopback"],
  ["fc00::/7", "private"],
  // Addresses that carry an IPv4 address, which may be any: Teredo and 6to4.
  ["2001::/23", undefined],
  ["2002::/16", undefined],
  ["2001:db8::/32", undefined],
  ["3fff::/20", undefined],
  ["2000::/3", "public"],
  ["::/0", undefined]
])

const isV4 = (host: string): boolean => /^\d+\.\d+\.\d+\.\d+$/.test(host)

/** Where a host is; `undefined` if it is not written canonically, or is nowhere that a node may be sent to. */
export const placeOf = (host: string): Place | undefined => {
  const isV6 = host.includes(":")
  const written = isV6 ? `[${host}]` : host
  if (URL.parse(`http://${written}/`)?.hostname !== written) return undefined
  if (!isV6 && !isV4(host)) {
    const isHere = host === "localhost" || host.endsWith(".localhost")
    return { reach: isHere ? "loopback" : "public", network: host, isName: true }
  }
  const bits = bitsOf(host)
  const reach = (isV6 ? blocksV6 : blocksV4).find(([prefix]) => bits.startsWith(prefix))?.[1]
  return reach === undefined ? undefined : { reach, network: hostOf(host), isName: false }
}

/** From where a peer speaks whose connection goes to `remote`, as `host:port`; "public" if that cannot be told. */
export const reachOf = (remote: string): Reach => {
  const host = remote.slice(0, remote.lastIndexOf(":")).replace(/^\[|\]$/g, "")
  return placeOf(normaliseIp(host))?.reach ?? "public"
}

/** Whether a place of this reach may be told to, and learned from, somebody who speaks from there. */
export const mayTell = (place: Reach, peer: Reach): boolean => reaches.indexOf(place) >= reaches.indexOf(peer)
