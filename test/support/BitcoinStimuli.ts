/**
 * What was tried on five real nodes (test/vectors/bitcoin/11-behaviour.json), as bytes for this one, and what it does. The
 * table of docs/bitcoin.md is made of it.
 */
import { Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import { readFileSync } from "node:fs"
import * as AgentPolicy from "../../src/protocol/bitcoin/AgentPolicy.ts"
import * as Beat from "../../src/protocol/bitcoin/Beat.ts"
import * as Headers from "../../src/protocol/bitcoin/Headers.ts"
import * as MessageFrame from "../../src/protocol/bitcoin/MessageFrame.ts"
import * as Settings from "../../src/protocol/bitcoin/Settings.ts"
import * as Version from "../../src/protocol/bitcoin/Version.ts"
import * as Miner from "./BitcoinMiner.ts"
import { at, net, NetworkLab } from "./BitcoinNetworkLab.ts"
import { version } from "./BitcoinPeerLab.ts"
import { bytesOf, framings, networkNamed } from "./BitcoinVectors.ts"

const Cases = Schema.Struct({
  cases: Schema.Array(Schema.Struct({ stimulus: Schema.String, reaction: Schema.Record(Schema.String, Schema.String) }))
})

/** What the real nodes did, by stimulus and node. */
export const observed = Schema.decodeUnknownSync(Schema.fromJsonString(Cases))(
  readFileSync(new URL("../vectors/bitcoin/11-behaviour.json", import.meta.url), "utf8")
).cases

export const nodes = ["bsv", "knots", "ltc", "bcoin", "bcash"] as const

type Lab = Effect.Success<ReturnType<NetworkLab["caller"]>>
type Act = (lab: Lab) => Effect.Effect<void>

interface Stimulus {
  readonly act: Act
  /** Whether the handshake is over before it. */
  readonly after?: boolean
  /** What this node says and does. */
  readonly expected: string
}

const none = new Uint8Array(0)
const zeros = "0".repeat(64)
const theirs = (part: Partial<Version.Version> = {}): Uint8Array => Version.version.encode({ ...version, ...part })
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
const announced = (command: string, length: number): Uint8Array => {
  const header = MessageFrame.encode(net, command, none)
  new DataView(header.buffer, header.byteOffset).setUint32(16, length, true)
  return header
}

const introduces =
  (part: Partial<Version.Version>): Act =>
  (lab) =>
    Effect.andThen(lab.say("version", theirs(part)), lab.say("verack"))
const says =
  (command: string, payload: Uint8Array = none): Stimulus["act"] =>
  (lab) =>
    lab.say(command, payload)
const twice =
  (command: string, payload: Uint8Array = none): Act =>
  (lab) =>
    Effect.andThen(lab.say(command, payload), lab.say(command, payload))

const welcome = "version(102), verack(0), protoconf(13), ping(8), sendheaders(0), getheaders(197)"
const lives = "| ping-> pong"
const quiet = lives

const handshake = (act: Act, expected: string): Stimulus => ({ act, expected })
const later = (act: Act, expected: string): Stimulus => ({ act, after: true, expected })

export const stimuli: Readonly<Record<string, Stimulus>> = {
  "wrong magic version": handshake(
    (lab) => lab.bytes(MessageFrame.encode(networkNamed("btc-main"), "version", theirs())),
    "| CLOSED | BANNED"
  ),
  "version 209": handshake(introduces({ version: 209 }), "reject(42) | CLOSED"),
  "version 31800": handshake(introduces({ version: 31_800 }), "reject(42) | CLOSED"),
  "version 70002": handshake(
    introduces({ version: 70_002 }),
    `version(102), verack(0), protoconf(13), ping(8), getheaders(197) ${lives}`
  ),
  "version 99999999": handshake(introduces({ version: 99_999_999 }), `${welcome} ${lives}`),
  "duplicate version before verack": handshake(
    twice("version", theirs()),
    "version(102), verack(0), protoconf(13), reject(35)"
  ),
  "duplicate verack": later(says("verack"), quiet),
  "verack before version": handshake(
    (lab) => Effect.andThen(lab.say("verack"), lab.say("version", theirs())),
    "version(102), verack(0), protoconf(13)"
  ),
  "getheaders between version and verack, then verack": handshake(
    (lab) =>
      lab
        .say("version", theirs())
        .pipe(Effect.andThen(lab.say("getheaders", question(1))), Effect.andThen(lab.say("verack"))),
    `${welcome} ${lives}`
  ),
  "version no relay no height": handshake(
    (lab) => Effect.andThen(lab.say("version", theirs().subarray(0, -5)), lab.say("verack")),
    `${welcome} ${lives}`
  ),
  "version truncated in addr_from": handshake(says("version", theirs().subarray(0, 60)), "reject(60) | CLOSED"),
  "version +20 junk bytes": handshake(
    says("version", Buffer.concat([theirs(), Buffer.alloc(20, 0xaa)])),
    "reject(81) | CLOSED"
  ),
  "version UA 257": handshake(says("version", theirs({ agent: "x".repeat(257) })), "reject(77) | CLOSED"),
  "UA /Bitcoin ABC:0.22/": handshake(introduces({ agent: "/Bitcoin ABC:0.22/" }), "| CLOSED | BANNED"),
  "UA /Satoshi:25.0.0/": handshake(introduces({ agent: "/Satoshi:25.0.0/" }), `${welcome} ${lives}`),
  "unknown command": later(says("foobar", Uint8Array.of(1)), quiet),
  "command 12 chars no NUL": later(says("abcdefghijkl", Uint8Array.of(1)), quiet),
  "header len 33MiB ping": later((lab) => lab.bytes(announced("ping", 33 * 1024 ** 2)), "| CLOSED | BANNED"),
  "header len 0xffffffff inv": later((lab) => lab.bytes(announced("inv", 0xffff_ffff)), "| CLOSED | BANNED"),
  "ping 7 bytes": later(says("ping", new Uint8Array(7)), quiet),
  "unsolicited pong": later(says("pong", Beat.pong.encode(5n)), quiet),
  "inv 50001": later(says("inv", items(50_001, 1)), quiet),
  "inv unknown type 99": later(says("inv", items(1, 99)), quiet),
  "getdata unknown tx": later(says("getdata", items(1, 1)), quiet),
  "addr 1001": later(says("addr", Buffer.concat([compact(1_001), new Uint8Array(1_001 * 30)])), quiet),
  "headers 0": later(says("headers", Uint8Array.of(0)), quiet),
  "headers with tx count 1": later(
    says("headers", Buffer.concat([Uint8Array.of(1), new Uint8Array(80), Uint8Array.of(1)])),
    quiet
  ),
  "inv non-canonical fd0100": later(says("inv", Buffer.concat([bytesOf("fd0100"), new Uint8Array(36)])), quiet),
  "inv truncated": later(says("inv", items(2, 1).subarray(0, 40)), quiet),
  "getheaders locator 101": later(says("getheaders", question(101)), `headers(406) ${lives}`),
  "getheaders empty locator, stop=unknown": later(says("getheaders", question(0, "ab".repeat(32))), quiet),
  "getheaders unknown locator": later(says("getheaders", question(1)), `headers(406) ${lives}`),
  "protoconf ok 2 fields": later(
    says("protoconf", Settings.protoconf.encode({ largestPayload: 2_097_152, policies: "Default" })),
    quiet
  ),
  "protoconf 0 fields": later(says("protoconf", Uint8Array.of(0)), "| CLOSED"),
  "protoconf twice": later(twice("protoconf", Settings.protoconf.encode({ largestPayload: 2_097_152 })), "| CLOSED"),
  "extmsg ping outer len 0": later((lab) => lab.bytes(extended()), `pong(8) ${lives}`),
  "feefilter negative": later(says("feefilter", Settings.feefilter.encode(-1n)), quiet),
  mempool: later(says("mempool"), quiet),
  "getaddr twice": later(twice("getaddr"), quiet),
  "reject msg malformed": later(says("reject", Uint8Array.of(200)), quiet),
  "createstrm after version": later(says("createstrm", new Uint8Array(20)), quiet),
  "getblocks from genesis": later(says("getblocks", question(1)), quiet),
  "ping byte by byte": later(
    (lab) =>
      Effect.forEach(MessageFrame.encode(net, "ping", Beat.ping.encode(7n)), (byte) => lab.bytes(Uint8Array.of(byte)), {
        discard: true
      }),
    `pong(8) ${lives}`
  )
}

/** The extended header around a ping, as the data have it. */
const extended = (): Uint8Array => {
  const found = framings().find(({ id }) => id === "extmsg-ping")
  if (found === undefined) throw new Error("the data have no extmsg-ping")
  return bytesOf(found.hex)
}

const escaped = (text: string): string => text.replaceAll("|", "\\|").trim()

/** The table of docs/bitcoin.md. */
export const table = (): string => {
  const line = (cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |\n`
  const rows = observed.map(({ reaction, stimulus }) =>
    line([stimulus, stimuli[stimulus]?.expected ?? "", ...nodes.map((node) => reaction[node] ?? "")].map(escaped))
  )
  const head = ["stimulus", "Holdfast", "BSV 1.2.2", "Knots 0.21", "litecoind 0.21", "bcoin 1.0", "bcash 1.1"]
  return line(head) + line(head.map(() => "---")) + rows.join("")
}

/** The node that they are tried on has these headers. */
const headers = Miner.chain(net.first, 5, { network: net })

/** Tries one on this node; what it says and does, as the data say it of others. */
export const react = Effect.fnUntraced(function* ({ act, after }: Stimulus) {
  const lab = new NetworkLab()
  const home = at("10.0.0.2")
  const agents = { ...AgentPolicy.everybody, deny: ["ABC"] }
  const node = yield* lab.start("10.0.0.2", { listen: home, agents }, [], headers)
  const peer = yield* after === true ? lab.guest("10.0.0.9", home) : lab.caller("10.0.0.9", home)
  peer.heard()
  yield* act(peer)
  const said = peer.heard().map(({ body, command }) => `${command}(${body.length})`)
  const parts = [said.join(", ")]
  const { peer: seen } = node.connections()[0] ?? {}
  if (seen === undefined || seen.connection.finishing) parts.push("| CLOSED")
  else if (seen.isConnected) {
    yield* peer.say("ping", Beat.ping.encode(77n))
    if (peer.heard("pong").length > 0) parts.push("| ping-> pong")
  }
  yield* TestClock.adjust(2_000)
  if (node.events.some(({ _tag }) => _tag === "Banned")) parts.push("| BANNED")
  return parts.join(" ").trim()
})
