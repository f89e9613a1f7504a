/**
 * The host of an address as people write it: a name, an IPv4 address, or an IPv6 address in brackets.
 *
 * What looks like an IP address must be one: a name whose last part is a number would be looked up by some systems and
 * taken for an address of another spelling by others (as in the URL standard). What peers say of themselves is not read
 * here; that is judged by where it leads (`gossip/Reach`).
 */
import { Result } from "effect"
import { isIpv4, ipv6Groups } from "./IpAddress.ts"

const longestName = 253
const longestPart = 63

const isIpv6 = (text: string): boolean => {
  const zone = text.indexOf("%")
  if (zone < 0) return ipv6Groups(text) !== undefined
  return ipv6Groups(text.slice(0, zone)) !== undefined && /^[0-9A-Za-z]{1,15}$/.test(text.slice(zone + 1))
}

const excerpt = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text)

/** What is wrong with a name, if anything is. */
const wrongName = (name: string): string | undefined => {
  if (name.length > longestName) return `a host has ${longestName} characters at most`
  const parts = name.split(".")
  if (parts.includes("")) return "a part of its host is empty"
  if (parts.some((part) => part.length > longestPart)) {
    return `a part of a host has ${longestPart} characters at most`
  }
  if (!/^[0-9A-Za-z._-]+$/.test(name)) return "a host is a name of letters, digits, hyphens and dots, or an IP address"
  if (parts.some((part) => part.startsWith("-") || part.endsWith("-"))) {
    return "no part of a host begins or ends with a hyphen"
  }
  return /^(?:\d+|0x[0-9a-f]*)$/i.test(parts.at(-1)!) ? `${excerpt(name)} is no IPv4 address` : undefined
}

/** Reads a host; the failure says what is wrong with it. Brackets are not part of what it gives. */
export const parseHostText = (text: string): Result.Result<string, string> => {
  const inside = /^\[(.*)\]$/s.exec(text)?.[1]
  if (inside !== undefined) {
    return isIpv6(inside) ? Result.succeed(inside) : Result.fail(`${excerpt(inside)} is no IPv6 address`)
  }
  const wrong = isIpv4(text) ? undefined : wrongName(text)
  return wrong === undefined ? Result.succeed(text) : Result.fail(wrong)
}
