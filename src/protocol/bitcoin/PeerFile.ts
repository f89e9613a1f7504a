/**
 * The file in which the Rust crate `bitcoinsv` keeps the nodes that it knows: a JSON array of `{ id, ip_address, port, status,
 * status_timestamp, ban_reason }`. Read only, to take over what such a node has learnt; its ids mean nothing here.
 *
 * A status is a word, and for bans of a later form an object with the reason. Times are seconds since 1970, or what serde makes of a
 * `SystemTime`. Fields that are not known are ignored. Nothing in the file says which network its nodes are of.
 */
import { Result, Schema } from "effect"
import { Endpoint, Port } from "../Address.ts"
import { ipOf } from "../HostNetwork.ts"
import { ipv6Groups, isIpv4 } from "../IpAddress.ts"
import { printable } from "./AgentPolicy.ts"

/** Most bytes of a file, and most nodes in it: as many as a store keeps by default. */
export const mostBytes = 8 * 1024 * 1024
export const mostPeers = 10_000

/** A file, or an entry of it, that cannot be taken over; nothing of the file is. */
export class PeerFileInvalid extends Schema.TaggedError<PeerFileInvalid>()("PeerFileInvalid", {
  /** Which entry it is about, counted from 1; none if it is about the whole file. */
  entry: Schema.optionalKey(Schema.Int),
  problem: Schema.String,
  fix: Schema.String
}) {
  override get message(): string {
    const where = this.entry === undefined ? "the peer file" : `entry ${this.entry} of the peer file`
    return `${where}: ${this.problem}. ${this.fix}`
  }
}

const Ip = Schema.String.check(
  Schema.makeFilter((text) => isIpv4(text) || ipv6Groups(text) !== undefined, {
    message: "ip_address is an IPv4 or IPv6 address"
  })
)

/** Up to the end of the year 9999. */
const Seconds = Schema.Int.check(
  Schema.isBetween({ minimum: 0, maximum: 253_402_300_799 }, { message: "status_timestamp is seconds since 1970" })
)

/** Longer ones are cut off. */
const longestText = 256

const BanReason = Schema.Union([
  Schema.Struct({ NetworkMismatch: Schema.Struct({ expected: Schema.String, received: Schema.String }) }),
  Schema.Struct({ BlockchainMismatch: Schema.Struct({ received: Schema.String }) }),
  Schema.Struct({ BannedUserAgent: Schema.Struct({ user_agent: Schema.String }) })
])
type BanReason = typeof BanReason.Type

const Stored = Schema.Struct({
  ip_address: Ip,
  port: Port,
  status: Schema.Union([
    Schema.Literals(["Valid", "Unknown", "Inaccessible", "Banned"]),
    Schema.Struct({ Banned: BanReason })
  ]),
  status_timestamp: Schema.Union([Seconds, Schema.Struct({ secs_since_epoch: Seconds })]),
  ban_reason: Schema.optionalKey(Schema.NullOr(BanReason))
})
type Stored = typeof Stored.Type

/** What the file says of a node. */
export interface Entry {
  readonly endpoint: Endpoint
  readonly status: "Valid" | "Unknown" | "Inaccessible" | "Banned"
  /** Milliseconds since 1970. */
  readonly since: number
  /** One sentence, of one that is banned. */
  readonly reason?: string
}

const shown = (text: string): string => printable(text.slice(0, longestText))

const sentence = (reason: BanReason | undefined): string => {
  if (reason === undefined) return "it was banned where it was imported from"
  if ("BannedUserAgent" in reason) return `its agent was banned: ${shown(reason.BannedUserAgent.user_agent)}`
  if ("BlockchainMismatch" in reason) return `it is of another chain: ${shown(reason.BlockchainMismatch.received)}`
  const { expected, received } = reason.NetworkMismatch
  return `it is of the network ${shown(received)}, not ${shown(expected)}`
}

const entryOf = ({ ban_reason, ip_address, port, status, status_timestamp }: Stored): Entry => {
  const endpoint = new Endpoint({ host: ipOf(ip_address), port })
  const seconds = typeof status_timestamp === "number" ? status_timestamp : status_timestamp.secs_since_epoch
  const known = { endpoint, since: seconds * 1_000 }
  if (status !== "Banned" && typeof status === "string") return { ...known, status }
  const reason = status === "Banned" ? (ban_reason ?? undefined) : status.Banned
  return { ...known, status: "Banned", reason: sentence(reason) }
}

const whole = (problem: string, fix: string) => Result.fail(new PeerFileInvalid({ problem, fix }))

export const tooLong: PeerFileInvalid = new PeerFileInvalid({
  problem: `it has more than ${mostBytes} bytes`,
  fix: "Split it into several arrays, and import one after the other."
})

const parse = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))
const isArray = Schema.is(Schema.Array(Schema.Unknown))
const decodeStored = Schema.decodeUnknownResult(Stored)

const entryIn = (value: unknown, index: number): Result.Result<Entry, PeerFileInvalid> =>
  Result.mapBoth(decodeStored(value), {
    onSuccess: entryOf,
    onFailure: ({ message }) =>
      new PeerFileInvalid({
        entry: index + 1,
        problem: message
          .split("\n")
          .map((line) => shown(line.trim()))
          .slice(0, 4)
          .join(", "),
        fix: "Mend this entry or take it out, and import the file again: those that are known already do not change."
      })
  })

/** The nodes in the text of a file, each once: of several entries the one with the newest status. */
export const decode = (text: string): Result.Result<ReadonlyArray<Entry>, PeerFileInvalid> => {
  if (Buffer.byteLength(text) > mostBytes) return Result.fail(tooLong)
  const parsed = parse(text)
  if (Result.isFailure(parsed) || !isArray(parsed.success)) {
    return whole("it is no JSON array", 'It begins with "[" and ends with "]": was it written to its end?')
  }
  const values = parsed.success
  if (values.length > mostPeers) {
    return whole(
      `it has ${values.length} nodes, ${mostPeers} at the most`,
      "Split it, and import one part after the other."
    )
  }
  const newest = new Map<string, Entry>()
  for (const [index, value] of values.entries()) {
    const entry = entryIn(value, index)
    if (Result.isFailure(entry)) return Result.fail(entry.failure)
    const key = entry.success.endpoint.toString()
    if ((newest.get(key)?.since ?? -1) < entry.success.since) newest.set(key, entry.success)
  }
  return Result.succeed([...newest.values()])
}
