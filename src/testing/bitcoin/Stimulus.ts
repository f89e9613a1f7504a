/**
 * What a peer may do to a Bitcoin node that is not in the book: each of these was tried on five real nodes, and docs/bitcoin.md
 * says what they did. To play one on a node of your own: `link.play("inv 50001")` (`ScriptedNode.ts`).
 */
import * as Beat from "../../protocol/bitcoin/Beat.ts"
import * as Headers from "../../protocol/bitcoin/Headers.ts"
import * as MessageFrame from "../../protocol/bitcoin/MessageFrame.ts"
import { type Network, networks } from "../../protocol/bitcoin/Network.ts"
import * as Settings from "../../protocol/bitcoin/Settings.ts"
import * as Version from "../../protocol/bitcoin/Version.ts"

export interface Speaker {
  readonly network: Network
  /** What the peer says of itself where nothing else is asked for. */
  readonly version: Version.Version
}

export interface Stimulus {
  /** Whether it is said after the handshake, or instead of it. */
  readonly phase: "handshake" | "connected"
  /** Bytes as they are said, each by itself. */
  readonly pieces: (speaker: Speaker) => ReadonlyArray<Uint8Array>
}

const none = new Uint8Array(0)
const zeros = "0".repeat(64)

const compact = (count: number): Uint8Array =>
  count < 0xfd ? Uint8Array.of(count) : Uint8Array.of(0xfd, count & 0xff, count >> 8)

const items = (count: number, kind: number): Uint8Array => {
  const item = Uint8Array.from({ length: 36 }, (_, at) => (at === 0 ? kind : at))
  return Buffer.concat([compact(count), ...Array.from({ length: count }, () => item)])
}

const question = (locator: number, stop = zeros): Uint8Array =>
  Headers.getheaders.encode({
    version: 70_016,
    locator: Array.from({ length: locator }, (_, n) => n.toString(16).padStart(64, "0")),
    stop
  })

/** A header that says of a payload how long it is, and nothing of it. */
const announced = (network: Network, command: string, length: number): Uint8Array => {
  const header = Buffer.from(MessageFrame.encode(network, command, none))
  header.writeUInt32LE(length, 16)
  return header
}

/** A ping behind BSV's longer header, whose own length is not. */
const extended = (network: Network): Uint8Array => {
  const outer = announced(network, "extmsg", 0xffff_ffff)
  outer.fill(0, 20)
  const rest = Buffer.alloc(20)
  rest.write("ping")
  rest.writeBigUInt64LE(8n, 12)
  return Buffer.concat([outer, rest, Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1)])
}

type Said = readonly [command: string, payload?: Uint8Array]
type Part = Partial<Version.Version>

const framed = ({ network }: Speaker, [command, payload = none]: Said): Uint8Array =>
  MessageFrame.encode(network, command, payload)
const says = (...said: ReadonlyArray<Said>): Stimulus => ({
  phase: "connected",
  pieces: (speaker) => said.map((one) => framed(speaker, one))
})
const sends = (bytes: (network: Network) => Uint8Array): Stimulus => ({
  phase: "connected",
  pieces: ({ network }) => [bytes(network)]
})
const theirs = ({ version }: Speaker, part: Part = {}): Uint8Array => Version.version.encode({ ...version, ...part })
/** Instead of the handshake. */
const shakes = (said: (speaker: Speaker) => ReadonlyArray<Said>): Stimulus => ({
  phase: "handshake",
  pieces: (speaker) => said(speaker).map((one) => framed(speaker, one))
})
const introduces = (part: Part): Stimulus => shakes((speaker) => [["version", theirs(speaker, part)], ["verack"]])

/** Another network's. */
const foreign = ({ name }: Network): Network => networks.get(name === "btc-main" ? "bsv-main" : "btc-main")!

const inHandshake = {
  "wrong magic version": {
    phase: "handshake",
    pieces: (speaker) => [framed({ ...speaker, network: foreign(speaker.network) }, ["version", theirs(speaker)])]
  },
  "version 209": introduces({ version: 209 }),
  "version 31800": introduces({ version: 31_800 }),
  "version 70002": introduces({ version: 70_002 }),
  "version 99999999": introduces({ version: 99_999_999 }),
  "duplicate version before verack": shakes((speaker) => [
    ["version", theirs(speaker)],
    ["version", theirs(speaker)]
  ]),
  "verack before version": shakes((speaker) => [["verack"], ["version", theirs(speaker)]]),
  "getheaders between version and verack, then verack": shakes((speaker) => [
    ["version", theirs(speaker)],
    ["getheaders", question(1)],
    ["verack"]
  ]),
  "version no relay no height": shakes((speaker) => [["version", theirs(speaker).subarray(0, -5)], ["verack"]]),
  "version truncated in addr_from": shakes((speaker) => [["version", theirs(speaker).subarray(0, 60)]]),
  "version +20 junk bytes": shakes((speaker) => [
    ["version", Buffer.concat([theirs(speaker), Buffer.alloc(20, 0xaa)])]
  ]),
  "version UA 257": shakes((speaker) => [["version", theirs(speaker, { agent: "x".repeat(257) })]]),
  "UA /Bitcoin ABC:0.22/": introduces({ agent: "/Bitcoin ABC:0.22/" }),
  "UA /Satoshi:25.0.0/": introduces({ agent: "/Satoshi:25.0.0/" })
} satisfies Record<string, Stimulus>

const conf = Settings.protoconf.encode({ largestPayload: 2_097_152 })
const afterwards = {
  "duplicate verack": says(["verack"]),
  "unknown command": says(["foobar", Uint8Array.of(1)]),
  "command 12 chars no NUL": says(["abcdefghijkl", Uint8Array.of(1)]),
  "header len 33MiB ping": sends((network) => announced(network, "ping", 33 * 1024 ** 2)),
  "header len 0xffffffff inv": sends((network) => announced(network, "inv", 0xffff_ffff)),
  "ping 7 bytes": says(["ping", new Uint8Array(7)]),
  "unsolicited pong": says(["pong", Beat.pong.encode(5n)]),
  "inv 50001": says(["inv", items(50_001, 1)]),
  "inv unknown type 99": says(["inv", items(1, 99)]),
  "getdata unknown tx": says(["getdata", items(1, 1)]),
  "addr 1001": says(["addr", Buffer.concat([compact(1_001), new Uint8Array(1_001 * 30)])]),
  "headers 0": says(["headers", Uint8Array.of(0)]),
  "headers with tx count 1": says(["headers", Buffer.concat([Uint8Array.of(1), new Uint8Array(80), Uint8Array.of(1)])]),
  "inv non-canonical fd0100": says(["inv", Buffer.concat([Uint8Array.of(0xfd, 1, 0), new Uint8Array(36)])]),
  "inv truncated": says(["inv", items(2, 1).subarray(0, 40)]),
  "getheaders locator 101": says(["getheaders", question(101)]),
  "getheaders empty locator, stop=unknown": says(["getheaders", question(0, "ab".repeat(32))]),
  "getheaders unknown locator": says(["getheaders", question(1)]),
  "protoconf ok 2 fields": says([
    "protoconf",
    Settings.protoconf.encode({ largestPayload: 2_097_152, policies: "Default" })
  ]),
  "protoconf 0 fields": says(["protoconf", Uint8Array.of(0)]),
  "protoconf twice": says(["protoconf", conf], ["protoconf", conf]),
  "extmsg ping outer len 0": sends(extended),
  "feefilter negative": says(["feefilter", Settings.feefilter.encode(-1n)]),
  mempool: says(["mempool"]),
  "getaddr twice": says(["getaddr"], ["getaddr"]),
  "reject msg malformed": says(["reject", Uint8Array.of(200)]),
  "createstrm after version": says(["createstrm", new Uint8Array(20)]),
  "getblocks from genesis": says(["getblocks", question(1)]),
  "ping byte by byte": {
    phase: "connected",
    pieces: (speaker) => Array.from(framed(speaker, ["ping", Beat.ping.encode(7n)]), (byte) => Uint8Array.of(byte))
  }
} satisfies Record<string, Stimulus>

const all = { ...inHandshake, ...afterwards }

export type StimulusName = keyof typeof all

/** By the names that docs/bitcoin.md has for them. */
export const stimuli: Readonly<Record<StimulusName, Stimulus>> = all

/** Instead of the handshake. */
export type HandshakeName = keyof typeof inHandshake
/** After it. */
export type ConnectedName = keyof typeof afterwards

const namesOf = <N extends string>(of: Readonly<Record<N, Stimulus>>): ReadonlyArray<N> =>
  Object.keys(of).filter((name): name is N => name in of)

export const handshakeNames = namesOf<HandshakeName>(inHandshake)
export const connectedNames = namesOf<ConnectedName>(afterwards)

/** For which this project's own node closes the connection, and with "banned" keeps the address out for a day. */
export const ends: Readonly<Partial<Record<StimulusName, "closed" | "banned">>> = {
  "wrong magic version": "banned",
  "version 209": "closed",
  "version 31800": "closed",
  "version truncated in addr_from": "closed",
  "version +20 junk bytes": "closed",
  "version UA 257": "closed",
  "UA /Bitcoin ABC:0.22/": "banned",
  "header len 33MiB ping": "banned",
  "header len 0xffffffff inv": "banned",
  "protoconf 0 fields": "closed",
  "protoconf twice": "closed"
}
