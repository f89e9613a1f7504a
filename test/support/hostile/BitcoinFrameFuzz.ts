/**
 * Streams of Bitcoin messages of every network, whole, spliced, lying about their lengths, and no messages at all, cut
 * anywhere, through the decoder of messages; and beside it a plain reading of the same bytes in one piece, with which it has
 * to agree.
 */
import { hash } from "node:crypto"
import * as MessageFrame from "../../../src/protocol/bitcoin/MessageFrame.ts"
import { type Network, networks } from "../../../src/protocol/bitcoin/Network.ts"
import * as PayloadLimits from "../../../src/protocol/bitcoin/PayloadLimits.ts"
import { bytesOf, framings, messages as vectors } from "../BitcoinVectors.ts"
import { type Allocations, forget, watching } from "./Allocations.ts"
import { type Chance, each, joined, type Range, showing, withoutStacks } from "./Fuzz.ts"

export interface Report {
  inputs: number
  bytes: number
  messages: number
  /** Messages with the longer header. */
  extended: number
  /** Messages to be skipped, by what spoils them. */
  readonly spoiled: { checksum: number; command: number }
  /** How the inputs ended: whole, or by the reason of the failure. */
  readonly ends: Record<string, number>
  /** The most that one message begun took at once, in bytes. */
  most: number
}

interface Read extends Pick<MessageFrame.Message, "command" | "spoiled"> {
  readonly extended: boolean
  readonly from: number
  readonly to: number
}

interface Reading {
  readonly messages: ReadonlyArray<Read>
  readonly failure: MessageFrame.MessageInvalid["reason"] | undefined
}

const sha256 = (bytes: Uint8Array): Uint8Array => hash("sha256", bytes, "buffer")
const hasChecksum = (payload: Uint8Array, checksum: Uint8Array): boolean =>
  Buffer.compare(sha256(sha256(payload)).subarray(0, 4), checksum) === 0

const commandIn = (field: Uint8Array): string =>
  /^([\x20-\x7e]*)\0*$/.exec(Buffer.from(field).toString("latin1"))?.[1] ?? ""

type Next = Read | NonNullable<Reading["failure"]>

/** The message at `at`, or why there is none. */
const next = (bytes: Buffer, at: number, network: Network, limits: MessageFrame.Limits): Next => {
  const left = bytes.length - at
  if (left < 4) return "truncated"
  if (Buffer.compare(bytes.subarray(at, at + 4), network.magic) !== 0) return "magic"
  if (left < 24) return "truncated"
  const outer = commandIn(bytes.subarray(at + 4, at + 16))
  const extended = network.extended && outer === "extmsg"
  if (extended && left < 44) return "truncated"
  const command = extended ? commandIn(bytes.subarray(at + 24, at + 36)) : outer
  const length = extended ? bytes.readBigUInt64LE(at + 36) : BigInt(bytes.readUInt32LE(at + 16))
  if (length > BigInt(limits(command))) return "oversized"
  const from = at + (extended ? 44 : 24)
  const to = from + Number(length)
  if (to > bytes.length) return "truncated"
  const read = { command, extended, from, to }
  if (command === "") return { ...read, spoiled: "command" }
  const whole = extended || hasChecksum(bytes.subarray(from, to), bytes.subarray(at + 20, at + 24))
  return whole ? read : { ...read, spoiled: "checksum" }
}

/** What `bytes` mean, by the letter of the header. */
const read = (bytes: Uint8Array, network: Network, limits: MessageFrame.Limits): Reading => {
  const messages: Array<Read> = []
  for (let at = 0; at < bytes.length; at = messages.at(-1)!.to) {
    const one = next(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), at, network, limits)
    if (typeof one === "string") return { messages, failure: one }
    messages.push(one)
  }
  return { messages, failure: undefined }
}

const all = [...networks.values()]

/** Messages that others wrote, without their magic, and none that are long: it is the decoder of payloads that cares. */
const recorded = [
  ...vectors("03-messages").map(({ frame }) => frame),
  ...vectors("05-captured").map(({ frame }) => frame),
  ...framings().map(({ hex }) => hex)
]
  .map((hex) => bytesOf(hex).subarray(4))
  .filter(({ length }) => length < 1_000)

const commands = ["version", "verack", "ping", "inv", "block", "tx", "extmsg", "foobar", "", "abcdefghijkl"]
const limits: ReadonlyArray<MessageFrame.Limits> = [
  PayloadLimits.early,
  PayloadLimits.limits(PayloadLimits.defaults),
  (command) => (command === "block" ? 400 : 200)
]

/** A header that says of itself what it likes, of whose payload little comes. */
const promise = (chance: Chance, network: Network): Uint8Array => {
  const extended = chance.oneIn(2)
  const body = chance.bytes(chance.below(chance.oneIn(500) ? 300_000 : 60))
  const out = Buffer.from(MessageFrame.encode(network, extended ? "extmsg" : chance.pick(commands), new Uint8Array(0)))
  const length = chance.pick([2 ** 32 - 1, 2 ** 21, 2 ** 21 + 1, 201, 2 ** 25, chance.below(2 ** 32), body.length])
  out.writeUInt32LE(length, 16)
  if (!extended) return joined(out, body)
  const rest = Buffer.alloc(20)
  rest.write(chance.pick(commands), "latin1")
  const truth = BigInt(body.length)
  rest.writeBigUInt64LE(chance.pick([2n ** 64n - 1n, 2n ** 53n, 2n ** 32n, BigInt(length), truth, truth, truth]), 12)
  return joined(out, rest, body)
}

const message = (chance: Chance, network: Network): Uint8Array => {
  switch (chance.below(8)) {
    case 0:
      return promise(chance, network)
    case 1:
      return MessageFrame.encode(network, chance.pick(commands), chance.bytes(chance.below(300)))
    case 2:
      return joined(network.magic, chance.spoil(chance.pick(recorded)))
    default:
      return joined(network.magic, chance.pick(recorded))
  }
}

/** Parts of two streams. */
const spliced = (chance: Chance, one: Uint8Array, other: Uint8Array): Uint8Array =>
  joined(one.subarray(0, chance.below(one.length + 1)), other.subarray(chance.below(other.length + 1)))

const streamOf = (chance: Chance, network: Network): Uint8Array => {
  if (chance.oneIn(12)) return chance.bytes(chance.below(80))
  if (chance.oneIn(20)) return message(chance, chance.pick(all))
  const whole = joined(...Array.from({ length: chance.below(4) }, () => message(chance, network)))
  if (chance.oneIn(8)) return spliced(chance, whole, message(chance, network))
  return chance.oneIn(4) ? chance.spoil(whole) : whole
}

/** Most are cut in two: where they are cut into many pieces each costs far more. */
const cut = (chance: Chance, bytes: Uint8Array): ReadonlyArray<Uint8Array> => {
  if (chance.oneIn(12)) return chance.cut(bytes)
  const at = chance.below(2 * bytes.length)
  return at < bytes.length ? [bytes.slice(0, at), bytes.slice(at)] : [bytes.slice()]
}

/** What a message begun may take before that much of it has come, in bytes. */
const freely = 128 * 1024

const is = (holds: boolean, words: () => string): void => {
  if (!holds) throw new Error(words())
}

interface Run {
  readonly messages: ReadonlyArray<MessageFrame.Message>
  readonly end: MessageFrame.MessageInvalid | undefined
}

/** The stream in pieces through the decoder, whose memory is watched. */
const fed = (
  decoder: MessageFrame.Decoder,
  pieces: ReadonlyArray<Uint8Array>,
  expected: Reading,
  allocations: Allocations
): Run & { readonly most: number } => {
  const messages: Array<MessageFrame.Message> = []
  let failure: MessageFrame.MessageInvalid | undefined
  let most = 0
  let at = 0
  for (const piece of pieces) {
    const before = messages.length
    const begun = at - (expected.messages[before - 1]?.to ?? 0)
    forget(allocations)
    const now = decoder.feed(piece, messages)
    at += piece.length
    const { largest } = allocations
    is(largest <= Math.max(freely, 2 * (begun + piece.length)), () => `${largest} bytes at once for ${begun} begun`)
    is(decoder.held <= begun + piece.length, () => `${decoder.held} bytes held of ${begun + piece.length}`)
    most = Math.max(most, largest)
    if (failure !== undefined) is(now === failure && messages.length === before, () => "it goes on after a failure")
    failure = now
  }
  const end = decoder.end()
  if (end?.reason !== "truncated") is(failure === end, () => "the failure comes with the end alone")
  return { messages, end, most }
}

const compare = (bytes: Uint8Array, expected: Reading, { end, messages }: Run): void => {
  const many = expected.messages.length
  is(messages.length === many, () => `${messages.length} messages instead of ${many}`)
  for (const [index, { body, command, spoiled }] of messages.entries()) {
    const it = expected.messages[index]!
    is(command === it.command, () => `message ${index} is ${command}, and should be ${it.command}`)
    is(spoiled === it.spoiled, () => `message ${index} is spoiled by ${spoiled}, and should be by ${it.spoiled}`)
    is(Buffer.compare(body, bytes.subarray(it.from, it.to)) === 0, () => `message ${index} carries something else`)
  }
  is(end?.reason === expected.failure, () => `it ends as ${end?.reason}, and should as ${expected.failure}`)
}

/** What was read as good is written as it was read, but for a longer header that is not needed. */
const again = (bytes: Uint8Array, network: Network, { messages }: Run, expected: Reading): void => {
  for (const [index, { body, command, spoiled }] of messages.entries()) {
    const { extended, from, to } = expected.messages[index]!
    if (spoiled !== undefined || (network.extended && command === "extmsg")) continue
    const written = MessageFrame.encode(network, command, body)
    const isSame = extended
      ? MessageFrame.commandOf(written) === command && Buffer.compare(written.subarray(24), body) === 0
      : Buffer.compare(written, bytes.subarray(from - 24, to)) === 0
    is(isSame, () => `${command} is written as another message`)
  }
}

const count = (report: Report, { length }: Uint8Array, expected: Reading, most: number): void => {
  const ending = expected.failure ?? "whole"
  report.inputs++
  report.bytes += length
  report.messages += expected.messages.length
  report.most = Math.max(report.most, most)
  report.ends[ending] = (report.ends[ending] ?? 0) + 1
  for (const { extended, spoiled } of expected.messages) {
    if (extended) report.extended++
    if (spoiled !== undefined) report.spoiled[spoiled]++
  }
}

/** One stream through one decoder. */
const one = (chance: Chance, report: Report, allocations: Allocations): void => {
  const network = chance.pick(all)
  const allowed = chance.pick(limits)
  const bytes = streamOf(chance, network)
  const pieces = cut(chance, bytes)
  showing(bytes, () => {
    const expected = read(bytes, network, allowed)
    const run = fed(new MessageFrame.Decoder(network, allowed), pieces, expected, allocations)
    compare(bytes, expected, run)
    again(bytes, network, run, expected)
    count(report, bytes, expected, run.most)
  })
}

/** Throws at the first input for which the decoder throws, disagrees or takes too much. */
export const fuzz = (range: Range): Report => {
  const report: Report = {
    inputs: 0,
    bytes: 0,
    messages: 0,
    extended: 0,
    spoiled: { checksum: 0, command: 0 },
    ends: {},
    most: 0
  }
  const all = (allocations: Allocations) => each("bitcoin-frames", range, (chance) => one(chance, report, allocations))
  withoutStacks(range, () => watching(all))
  return report
}
