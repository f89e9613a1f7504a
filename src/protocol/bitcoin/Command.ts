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
