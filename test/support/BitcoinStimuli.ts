/**
 * What was tried on five real nodes (test/vectors/bitcoin/11-behaviour.json), and what this one does. The
 * table of docs/bitcoin.md is made of it.
 */
import { Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import { readFileSync } from "node:fs"
import * as AgentPolicy from "../../src/protocol/bitcoin/AgentPolicy.ts"
import * as Beat from "../../src/protocol/bitcoin/Beat.ts"
import { connectedNames, handshakeNames, stimuli, type StimulusName } from "../../src/testing/bitcoin/Stimulus.ts"
import * as Miner from "./BitcoinMiner.ts"
import { at, net, NetworkLab } from "./BitcoinNetworkLab.ts"
import { version } from "./BitcoinPeerLab.ts"

const Cases = Schema.Struct({
  cases: Schema.Array(Schema.Struct({ stimulus: Schema.String, reaction: Schema.Record(Schema.String, Schema.String) }))
})

/** What the real nodes did, by stimulus and node. */
export const observed = Schema.decodeUnknownSync(Schema.fromJsonString(Cases))(
  readFileSync(new URL("../vectors/bitcoin/11-behaviour.json", import.meta.url), "utf8")
).cases

export const nodes = ["bsv", "knots", "ltc", "bcoin", "bcash"] as const

type Expected = Readonly<Record<StimulusName, string>>

const welcome = "version(102), verack(0), protoconf(13), ping(8), sendheaders(0), getheaders(197)"
const lives = "| ping-> pong"

/** What this node says and does, by the stimulus. */
export const expected: Expected = {
  "wrong magic version": "| CLOSED | BANNED",
  "version 209": "reject(42) | CLOSED",
  "version 31800": "reject(42) | CLOSED",
  "version 70002": `version(102), verack(0), protoconf(13), ping(8), getheaders(197) ${lives}`,
  "version 99999999": `${welcome} ${lives}`,
  "duplicate version before verack": "version(102), verack(0), protoconf(13), reject(35)",
  "duplicate verack": lives,
  "verack before version": "version(102), verack(0), protoconf(13)",
  "getheaders between version and verack, then verack": `${welcome} ${lives}`,
  "version no relay no height": `${welcome} ${lives}`,
  "version truncated in addr_from": "reject(60) | CLOSED",
  "version +20 junk bytes": "reject(81) | CLOSED",
  "version UA 257": "reject(77) | CLOSED",
  "UA /Bitcoin ABC:0.22/": "| CLOSED | BANNED",
  "UA /Satoshi:25.0.0/": `${welcome} ${lives}`,
  "unknown command": lives,
  "command 12 chars no NUL": lives,
  "header len 33MiB ping": "| CLOSED | BANNED",
  "header len 0xffffffff inv": "| CLOSED | BANNED",
  "ping 7 bytes": lives,
  "unsolicited pong": lives,
  "inv 50001": lives,
  "inv unknown type 99": lives,
  "getdata unknown tx": lives,
  "addr 1001": lives,
  "headers 0": lives,
  "headers with tx count 1": lives,
  "inv non-canonical fd0100": lives,
  "inv truncated": lives,
  "getheaders locator 101": `headers(406) ${lives}`,
  "getheaders empty locator, stop=unknown": lives,
  "getheaders unknown locator": `headers(406) ${lives}`,
  "protoconf ok 2 fields": lives,
  "protoconf 0 fields": "| CLOSED",
  "protoconf twice": "| CLOSED",
  "extmsg ping outer len 0": `pong(8) ${lives}`,
  "feefilter negative": lives,
  mempool: lives,
  "getaddr twice": lives,
  "reject msg malformed": lives,
  "createstrm after version": lives,
  "getblocks from genesis": lives,
  "ping byte by byte": `pong(8) ${lives}`
}

export const names: ReadonlyArray<StimulusName> = [...handshakeNames, ...connectedNames]

const escaped = (text: string): string => text.replaceAll("|", "\\|").trim()

const textOf = (stimulus: string): string => {
  const name = names.find((one) => one === stimulus)
  return name === undefined ? "" : expected[name]
}

/** The table of docs/bitcoin.md. */
export const table = (): string => {
  const line = (cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |\n`
  const rows = observed.map(({ reaction, stimulus }) =>
    line([stimulus, textOf(stimulus), ...nodes.map((node) => reaction[node] ?? "")].map(escaped))
  )
  const head = ["stimulus", "Holdfast", "BSV 1.2.2", "Knots 0.21", "litecoind 0.21", "bcoin 1.0", "bcash 1.1"]
  return line(head) + line(head.map(() => "---")) + rows.join("")
}

/** The node that they are tried on has these headers. */
const headers = Miner.chain(net.first, 5, { network: net })

/** Tries one on this node; what it says and does, as the data say it of others. */
export const react = Effect.fnUntraced(function* (name: StimulusName) {
  const { phase, pieces } = stimuli[name]
  const lab = new NetworkLab()
  const home = at("10.0.0.2")
  const agents = { ...AgentPolicy.everybody, deny: ["ABC"] }
  const node = yield* lab.start("10.0.0.2", { listen: home, agents }, [], headers)
  const peer = yield* phase === "connected" ? lab.guest("10.0.0.9", home) : lab.caller("10.0.0.9", home)
  peer.heard()
  for (const piece of pieces({ network: net, version })) yield* peer.bytes(piece)
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
