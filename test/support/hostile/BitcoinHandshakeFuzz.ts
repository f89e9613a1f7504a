/**
 * Bitcoin peers that say `version`, `verack` and everything else in any order, well-formed or not, cut anywhere, to the real
 * peer of either role over the real connection; beside it a model, with which it has to agree on what is said, what it costs,
 * whether the handshake is over, and why it ends.
 */
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Beat from "../../../src/protocol/bitcoin/Beat.ts"
import type { Kind } from "../../../src/protocol/bitcoin/ConnectionState.ts"
import * as MessageFrame from "../../../src/protocol/bitcoin/MessageFrame.ts"
import type { Network } from "../../../src/protocol/bitcoin/Network.ts"
import type { Ending } from "../../../src/protocol/bitcoin/Restarts.ts"
import * as Reject from "../../../src/protocol/bitcoin/Reject.ts"
import * as Settings from "../../../src/protocol/bitcoin/Settings.ts"
import * as Version from "../../../src/protocol/bitcoin/Version.ts"
import { BareBitcoinPeers, own, type Outcome } from "./BareBitcoinPeers.ts"
import { networkNamed } from "../BitcoinVectors.ts"
import { version as usual } from "../BitcoinPeerLab.ts"
import { type Input, Model } from "./BitcoinHandshakeModel.ts"
import { type Chance, chanceOf, found, joined, type Range, showing } from "./Fuzz.ts"

export interface Report {
  /** Connections. */
  inputs: number
  /** Handshakes that were over before the end. */
  completed: number
  messages: number
  /** Why they ended. */
  readonly ends: Record<string, number>
}

/** A message, and what it is. */
interface Said {
  readonly bytes: Uint8Array
  readonly input: Input
}

const none = new Uint8Array(0)
const nets = ["bsv-regtest", "bsv-main", "btc-regtest", "btc-main"].map(networkNamed)
const kinds: ReadonlyArray<Kind> = ["Outbound", "Inbound", "Outbound", "Inbound", "OverCapacity"]

const introduces = (chance: Chance): Version.Version => ({
  ...usual,
  version: chance.pick([70_016, 70_016, 70_012, 70_011, 60_001, 60_000, 209, 0, -1, 2 ** 31 - 1]),
  services: chance.pick([1n, 1n, 1n, 0x21n, 0n, 4n]),
  nonce: chance.pick([7n, 7n, 7n, own.nonce, 0n]),
  agent: chance.pick(["/Bitcoin SV:1.2.2/", "", "/Satoshi:25.0.0/", "/Bitcoin ABC:0.22/"])
})

/** Versions of all kinds, drawn once: to make one takes longer than to judge it. */
const versions: ReadonlyArray<readonly [Uint8Array, Input]> = Array.from({ length: 300 }, (_, index) => {
  const chance = chanceOf(0, index)
  const version = index % 3 === 0 ? usual : introduces(chance)
  const whole = Version.version.encode(version)
  return index % 8 === 0
    ? [whole.subarray(0, chance.pick([0, 3, 45, 47, 71, 79])), { _tag: "Malformed" }]
    : [whole, { _tag: "Version", version }]
})

const other = (heard: boolean, times = 1): Input => ({ _tag: "Other", heard, times })

/** Messages of both phases, by their commands. */
const plain: ReadonlyArray<readonly [string, Uint8Array, Input]> = [
  ["verack", none, { _tag: "Verack" }],
  ["verack", none, { _tag: "Verack" }],
  ["verack", Uint8Array.of(1, 2, 3), { _tag: "Verack" }],
  ["ping", Beat.ping.encode(5n), { _tag: "Ping" }],
  ["ping", new Uint8Array(7), other(false)],
  ["pong", Beat.pong.encode(5n), other(false)],
  ["inv", Uint8Array.of(0), other(true)],
  ["getheaders", new Uint8Array(3), other(true)],
  ["foobar", none, other(false)],
  ["createstrm", new Uint8Array(20), other(true)],
  ["feefilter", new Uint8Array(8), other(false)],
  ["sendcmpct", new Uint8Array(9), other(false)],
  ["sendheaders", none, { _tag: "Sendheaders" }],
  ["sendaddrv2", none, { _tag: "Harmless" }],
  ["wtxidrelay", none, { _tag: "Harmless" }],
  ["protoconf", Settings.protoconf.encode({ largestPayload: 2_097_152 }), { _tag: "Protoconf", valid: true }],
  ["protoconf", Uint8Array.of(0), { _tag: "Protoconf", valid: false }],
  ["reject", Reject.reject.encode({ command: "version", code: 0x11, reason: "old" }), { _tag: "Reject", final: true }],
  ["reject", Reject.reject.encode({ command: "version", code: 0x12, reason: "" }), { _tag: "Reject", final: false }],
  ["reject", Uint8Array.of(200), { _tag: "Reject", final: false }]
]

const announcing = (network: Network, command: string): Uint8Array => {
  const header = Buffer.from(MessageFrame.encode(network, command, none))
  header.writeUInt32LE(33 * 1024 ** 2, 16)
  return header
}

/** What is wrong with the frame itself. */
const spoiled = (network: Network): ReadonlyArray<Said> => {
  const changed = (at: number, to: number): Said => {
    const bytes = Buffer.from(MessageFrame.encode(network, "verack", none))
    bytes[at] = to
    return { bytes, input: { _tag: "Spoiled" } }
  }
  const strange = networkNamed(network.name.startsWith("bsv") ? "btc-test3" : "bsv-test")
  const fatal = (bytes: Uint8Array, ending: Ending): Said => ({ bytes, input: { _tag: "Fatal", ending } })
  return [
    changed(20, 0x5c),
    changed(4, 0),
    fatal(MessageFrame.encode(strange, "verack", none), "network"),
    fatal(announcing(network, "ping"), "misbehaved"),
    fatal(announcing(network, "block"), "unsuitable")
  ]
}

/** Every message of a network that does not depend on chance, made once. */
interface Sayings {
  readonly plain: ReadonlyArray<Said>
  readonly versions: ReadonlyArray<Said>
  readonly spoiled: ReadonlyArray<Said>
  readonly flood: Said
  readonly legal: readonly [Said, Said]
}

const sayingsOf = (network: Network): Sayings => {
  const frame = (command: string, payload: Uint8Array) => MessageFrame.encode(network, command, payload)
  const introduction = frame("version", Version.version.encode(usual))
  const flood = Array.from({ length: 101 }, () => frame("inv", Uint8Array.of(0)))
  return {
    plain: plain.map(([command, payload, input]) => ({ bytes: frame(command, payload), input })),
    versions: versions.map(([payload, input]) => ({ bytes: frame("version", payload), input })),
    spoiled: spoiled(network),
    flood: { bytes: joined(...flood), input: other(true, flood.length) },
    legal: [
      { bytes: introduction, input: { _tag: "Version", version: usual } },
      { bytes: frame("verack", none), input: { _tag: "Verack" } }
    ]
  }
}

const sayings = new Map(nets.map((network) => [network, sayingsOf(network)]))

const one = (chance: Chance, network: Network): Said => {
  const { flood, plain, spoiled, versions } = sayings.get(network)!
  if (chance.oneIn(18)) return chance.pick(spoiled)
  if (chance.oneIn(400)) return flood
  return chance.pick(chance.oneIn(5) ? versions : plain)
}

/** What one peer says: often as it should be, with something in between, or anything. */
const talk = (chance: Chance, network: Network): ReadonlyArray<Said> => {
  const said = Array.from({ length: chance.below(6) }, () => one(chance, network))
  if (chance.oneIn(3)) return said
  const { legal } = sayings.get(network)!
  const [first, second] = chance.oneIn(6) ? legal.toReversed() : legal
  const at = chance.oneIn(2) ? 0 : chance.below(said.length + 1)
  const middle = chance.oneIn(2) ? at : at + chance.below(said.length + 1 - at)
  return [...said.slice(0, at), first!, ...said.slice(at, middle), second!, ...said.slice(middle)]
}

const is = (holds: boolean, words: () => string): void => {
  if (!holds) throw new Error(words())
}

const judge = (network: Network, kind: Kind, said: ReadonlyArray<Said>, outcome: Outcome): void => {
  const model = new Model({ kind, extended: network.extended, ownNonce: own.nonce })
  for (const { input } of said) model.take(input)
  const ending = model.close()
  const words = () => `${network.name} ${kind}: ${said.map(({ input }) => JSON.stringify(input, text)).join(" ")}`
  is(outcome.ends.length === 1, () => `it ended ${outcome.ends.length} times; ${words()}`)
  is(outcome.ends[0] === ending, () => `it ended as ${outcome.ends[0]}, and should as ${ending}; ${words()}`)
  is(outcome.connected === model.connected, () => `it was connected ${outcome.connected} times; ${words()}`)
  is(outcome.heard === model.heard, () => `${outcome.heard} messages were heard instead of ${model.heard}; ${words()}`)
  is(outcome.score === model.score, () => `it has ${outcome.score} points instead of ${model.score}; ${words()}`)
  const written = writtenIn(outcome.written).join()
  is(written === model.said.join(), () => `it said ${written}, and should ${model.said.join()}; ${words()}`)
}

const text = (_: string, value: unknown): unknown => (typeof value === "bigint" ? String(value) : value)

/** Their commands, by their headers alone: that a frame is as it should be is shown elsewhere. */
const writtenIn = (chunks: ReadonlyArray<Uint8Array>): ReadonlyArray<string> => {
  const bytes = Buffer.concat(chunks)
  const commands: Array<string> = []
  for (let at = 0; at < bytes.length; at += MessageFrame.headerSize + bytes.readUInt32LE(at + 16)) {
    commands.push(MessageFrame.commandOf(bytes.subarray(at)))
  }
  return commands
}

/** Message by message, all at once, or cut anywhere. */
const pieces = (chance: Chance, said: ReadonlyArray<Said>, bytes: Uint8Array): ReadonlyArray<Uint8Array> => {
  if (chance.oneIn(6)) return said.map((one) => one.bytes.slice())
  return chance.oneIn(20) ? chance.cut(bytes) : [bytes.slice()]
}

const connection = Effect.fnUntraced(function* (chance: Chance, peers: BareBitcoinPeers, report: Report) {
  const network = chance.pick(nets)
  const kind = chance.pick(kinds)
  const said = talk(chance, network)
  const bytes = joined(...said.map((one) => one.bytes))
  const outcome = yield* peers.serve(network, kind, pieces(chance, said, bytes))
  showing(bytes, () => judge(network, kind, said, outcome))
  report.inputs++
  report.messages += said.length
  if (outcome.connected > 0) report.completed++
  for (const ending of outcome.ends) report.ends[ending] = (report.ends[ending] ?? 0) + 1
})

/** Connections that are made one after the other before everything that belongs to a node is made anew. */
const together = 500

/** Throws at the first connection in which something else happens than should. */
export const fuzz = async ({ from = 0, inputs, seed }: Range): Promise<Report> => {
  const report: Report = { inputs: 0, completed: 0, messages: 0, ends: {} }
  let index = from
  const some = Effect.gen(function* () {
    const peers = yield* BareBitcoinPeers.make
    for (const end = Math.min(from + inputs, index + together); index < end; index++) {
      yield* connection(chanceOf(seed, index), peers, report)
    }
  })
  while (index < from + inputs) {
    try {
      await Effect.runPromise(some.pipe(Effect.scoped, Effect.provide(TestClock.layer())))
    } catch (cause) {
      throw found("bitcoin-handshakes", seed, index, cause)
    }
  }
  return report
}
