/**
 * What is an IP address as text, and what numbers it stands for. Strict: an IPv4 address has four decimal numbers
 * without zeros in front, an IPv6 address no zone and no brackets.
 */
const ipv4Pattern = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/

export const isIpv4 = (text: string): boolean => ipv4Pattern.test(text)

/** A part of an IPv6 address as numbers of 16 bits; a dotted end is two of them. */
const groupsIn = (text: string): ReadonlyArray<number> | undefined => {
  if (text === "") return []
  const parts = text.split(":")
  const last = parts.at(-1)!
  const tail = isIpv4(last) ? last.split(".").map(Number) : undefined
  if (tail !== undefined) parts.pop()
  if (parts.some((part) => !/^[0-9a-f]{1,4}$/i.test(part))) return undefined
  const groups = parts.map((part) => Number.parseInt(part, 16))
  return tail === undefined ? groups : [...groups, tail[0]! * 256 + tail[1]!, tail[2]! * 256 + tail[3]!]
}

/** The eight numbers of an IPv6 address, or nothing if the text is none. */
export const ipv6Groups = (text: string): ReadonlyArray<number> | undefined => {
  const [head = "", rest, more] = text.split("::")
  const before = groupsIn(head)
  const after = groupsIn(rest ?? "")
  if (before === undefined || after === undefined || more !== undefined) return undefined
  const zeros = 8 - before.length - after.length
  if (rest === undefined ? zeros !== 0 : zeros < 1 || isIpv4(head.split(":").at(-1)!)) return undefined
  return [...before, ...Array<number>(zeros).fill(0), ...after]
}
