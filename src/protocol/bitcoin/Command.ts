/**
 * The commands of Bitcoin's messages, with small numbers for them: connections of any wire count and limit frames by
 * number. Those that have none are skipped, as are those that this node has no use for.
 */
import type { FrameClass } from "../link/RateLimit.ts"

const commands = [
  "version",
  "verack",
  "ping",
  "pong",
  "reject",
  "protoconf",
  "sendheaders",
  "sendcmpct",
  "feefilter",
  "getaddr",
  "addr",
  "inv",
  "getdata",
  "notfound",
  "getblocks",
  "getheaders",
  "headers",
  "block",
  "tx",
  "mempool",
  "merkleblock",
  "cmpctblock",
  "getblocktxn",
  "blocktxn",
  "filterload",
  "filteradd",
  "filterclear",
  "alert",
  "sendhdrsen",
  "gethdrsen",
  "hdrsen",
  "createstrm",
  "streamack",
  "authch",
  "authresp",
  "dsdetected",
  "datareftx",
  "revokemid",
  "wtxidrelay",
  "sendaddrv2",
  "addrv2",
  "extmsg"
] as const

export type Command = (typeof commands)[number]

/** The number of a command that has none. */
export const unknown = 0
/** The numbers of messages that are to be skipped: their checksum is wrong, or their command is no text. */
export const spoiled = { checksum: 254, command: 255 } as const

const kinds = new Map<string, number>(commands.map((command, index) => [command, index + 1]))

export const kindOf = (command: string): number => kinds.get(command) ?? unknown

/** Bytes of a command in a header, with NULs behind its name. */
export const size = 12

const uint32At = (bytes: Uint8Array, at: number): number =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)

/** A command that has a number, with its bytes on the wire as three numbers, which are quicker compared than a text is made. */
interface Known {
  readonly name: Command
  readonly kind: number
  readonly second: number
  readonly third: number
}

/** By the first of the three. */
const known = new Map<number, ReadonlyArray<Known>>()
for (const name of commands) {
  const bytes = Buffer.alloc(size)
  bytes.write(name, "latin1")
  const first = uint32At(bytes, 0)
  const one: Known = { name, kind: kindOf(name), second: uint32At(bytes, 4), third: uint32At(bytes, 8) }
  known.set(first, [...(known.get(first) ?? []), one])
}

/** The command whose 12 bytes begin at `at`; `undefined` if it has no number. */
export const knownAt = (bytes: Uint8Array, at: number): Pick<Known, "kind" | "name"> | undefined => {
  const candidates = known.get(uint32At(bytes, at))
  if (candidates === undefined) return undefined
  const second = uint32At(bytes, at + 4)
  const third = uint32At(bytes, at + 8)
  for (const one of candidates) if (one.second === second && one.third === third) return one
  return undefined
}

/** "unknown" for what has no number. */
export const nameOf = (kind: number): string => commands[kind - 1] ?? "unknown"

/** What is asked for, and what asks for it: its own limits and the order of the connection hold it back. */
const bulk: ReadonlySet<string> = new Set<Command>([
  "reject",
  "inv",
  "getdata",
  "notfound",
  "getblocks",
  "getheaders",
  "headers",
  "block",
  "tx",
  "merkleblock",
  "cmpctblock",
  "getblocktxn",
  "blocktxn",
  "hdrsen",
  "gethdrsen"
])

const classes: ReadonlyArray<FrameClass> = ["unknown", ...commands].map((command) => {
  if (command === "ping" || command === "pong") return command
  // What is unknown may be lost, and nobody is disconnected for it.
  if (command === "unknown") return "gossip"
  return bulk.has(command) ? "bulk" : "control"
})

/** By which limit a message counts that nobody has asked for. */
export const classOf = (kind: number): FrameClass => classes[kind] ?? "gossip"
