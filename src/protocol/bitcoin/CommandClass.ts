/** What kinds of commands there are, for figures: few enough for a label each, whatever peers make up. */
import * as Command from "./Command.ts"

export const classes = [
  "handshake",
  "heartbeat",
  "addresses",
  "inventory",
  "headers",
  "blocks",
  "transactions",
  "reject",
  /** Known, and none of the others. */
  "other",
  "unknown",
  /** To be skipped: a wrong checksum, or a command that is no text. */
  "spoiled"
] as const
export type CommandClass = (typeof classes)[number]

const members: Partial<Readonly<Record<CommandClass, ReadonlyArray<Command.Command>>>> = {
  handshake: [
    "version",
    "verack",
    "protoconf",
    "authch",
    "authresp",
    "createstrm",
    "streamack",
    "wtxidrelay",
    "sendaddrv2"
  ],
  heartbeat: ["ping", "pong"],
  addresses: ["getaddr", "addr", "addrv2"],
  inventory: ["inv", "getdata", "notfound", "mempool"],
  headers: ["getheaders", "headers", "getblocks", "sendheaders", "sendhdrsen", "gethdrsen", "hdrsen"],
  blocks: ["block", "merkleblock", "cmpctblock", "getblocktxn", "blocktxn", "sendcmpct"],
  transactions: ["tx", "datareftx", "feefilter", "dsdetected"],
  reject: ["reject"]
}

const byKind = new Map<number, CommandClass>([
  [Command.unknown, "unknown"],
  [Command.spoiled.checksum, "spoiled"],
  [Command.spoiled.command, "spoiled"]
])
for (const one of classes) for (const command of members[one] ?? []) byKind.set(Command.kindOf(command), one)

/** Of the number of a command (`Command`). */
export const classOf = (kind: number): CommandClass => byKind.get(kind) ?? "other"
