/**
 * Payloads of every command that this node reads, as others wrote them, changed, spliced, with counts and lengths that lie, of
 * other commands, and noise, through the decoders; and beside them a second reading, with which they have to agree.
 *
 * What they make of a payload is bounded by its bytes: each input has its allocations counted, and what comes out is written
 * again, which shows that nothing is in it that did not lie in the payload.
 */
import { Result } from "effect"
import * as Beat from "../../../src/protocol/bitcoin/Beat.ts"
import { block } from "../../../src/protocol/bitcoin/Block.ts"
import * as Headers from "../../../src/protocol/bitcoin/Headers.ts"
import * as Inventory from "../../../src/protocol/bitcoin/Inventory.ts"
import { addr } from "../../../src/protocol/bitcoin/NetworkAddress.ts"
import type { Payload } from "../../../src/protocol/bitcoin/Payload.ts"
import { PayloadInvalid } from "../../../src/protocol/bitcoin/PayloadInvalid.ts"
import { reject } from "../../../src/protocol/bitcoin/Reject.ts"
import * as Settings from "../../../src/protocol/bitcoin/Settings.ts"
import { tx } from "../../../src/protocol/bitcoin/Transaction.ts"
import * as Version from "../../../src/protocol/bitcoin/Version.ts"
import { blocks, bytesOf, edgeCases, messages } from "../BitcoinVectors.ts"
import { type Allocations, forget, watchingAll } from "./Allocations.ts"
import { type Name, wrong } from "./BitcoinLayouts.ts"
import { type Chance, each, joined, type Range, showing, withoutStacks } from "./Fuzz.ts"

export interface Report {
  inputs: number
  bytes: number
  /** How the inputs ended: "ok", or by the reason of the failure; for each command as well. */
  readonly ends: Record<string, number>
  readonly taken: Record<string, number>
  /** The most bytes that were allocated for one payload, beside a small multiple of its length. */
  most: number
}

/** What is decoded, and written and decoded again. */
interface Reader {
  readonly decode: (payload: Uint8Array) => Result.Result<() => Again, PayloadInvalid>
}

interface Again {
  readonly written: Uint8Array
  /** The bytes of what the written ones mean. */
  readonly twice: () => Uint8Array
  /** Whether its texts are what they were on the wire. */
  readonly isExact: boolean
}

const readerOf = <A>(payload: Payload<A>, texts: (value: A) => string = () => ""): Reader => ({
  decode: (bytes) =>
    Result.map(payload.decode(bytes), (value) => () => {
      const written = payload.encode(value)
      const twice = () => payload.encode(Result.getOrThrow(payload.decode(written)))
      return { written, twice, isExact: !texts(value).includes("\ufffd") }
    })
})

const readers: Readonly<Record<Name, Reader>> = {
  version: readerOf(Version.version, ({ agent }) => agent),
  "version of BSV": readerOf(Version.withAssociation, ({ agent }) => agent),
  ping: readerOf(Beat.ping),
  pong: readerOf(Beat.pong),
  inv: readerOf(Inventory.inv),
  getdata: readerOf(Inventory.getdata),
  notfound: readerOf(Inventory.notfound),
  getblocks: readerOf(Headers.getblocks),
  getheaders: readerOf(Headers.getheaders),
  gethdrsen: readerOf(Headers.gethdrsen),
  headers: readerOf(Headers.headers),
  addr: readerOf(addr),
  feefilter: readerOf(Settings.feefilter),
  sendcmpct: readerOf(Settings.sendcmpct),
  protoconf: readerOf(Settings.protoconf),
  reject: readerOf(reject, ({ reason }) => reason),
  tx: readerOf(tx),
  block: readerOf(block)
}

export const names = Object.keys(readers).filter((name): name is Name => name in readers)

/** What others wrote of each command; what is long is read once in a while. */
const recorded = (() => {
  const known = new Map<Name, Array<Uint8Array>>(names.map((name) => [name, []]))
  const note = (command: string, hex: string): void => {
    const name = names.find((one) => one === command)
    if (name !== undefined) known.get(name)?.push(bytesOf(hex))
    if (command === "version") known.get("version of BSV")?.push(bytesOf(hex))
  }
  for (const { command, payload } of messages("03-messages")) note(command, payload)
  for (const { command, payload } of messages("05-captured")) note(command, payload)
  for (const { command, payload } of edgeCases()) note(command, payload)
  for (const { raw } of blocks()) note("block", raw)
  return known
})()

const long = 2_000
const split = (isLong: boolean) =>
  new Map(names.map((name) => [name, recorded.get(name)!.filter(({ length }) => length > long === isLong)]))
const shortOnes = split(false)
const longOnes = split(true)

const vector = (chance: Chance, name: Name): Uint8Array => {
  const some = chance.oneIn(300) ? longOnes.get(name)! : shortOnes.get(name)!
  return some.length > 0 ? chance.pick(some) : chance.bytes(chance.below(200))
}

/** A count or length of any kind: what is too many, what does not fit, what takes more bytes than it needs. */
const lie = (chance: Chance): Uint8Array => {
  const width = chance.pick([1, 2, 4, 8])
  const bytes = Buffer.alloc(9)
  bytes[0] = width === 1 ? chance.below(256) : width === 2 ? 0xfd : width === 4 ? 0xfe : 0xff
  const value = chance.pick([2n ** 64n - 1n, 2n ** 32n, 2n ** 32n - 1n, 2n ** 31n, 50_001n, 2_001n, 1_001n, 253n, 1n])
  bytes.writeBigUInt64LE(chance.oneIn(2) ? value : BigInt(chance.below(70_000)), 1)
  return bytes.subarray(0, width === 1 ? 1 : 1 + width)
}

/** Where counts and lengths lie: at the begin, after the fixed fields, or anywhere. */
const lying = (chance: Chance, payload: Uint8Array): Uint8Array => {
  const at = Math.min(payload.length, chance.pick([0, 0, 1, 4, 80, 80, chance.below(payload.length + 1)]))
  return joined(payload.subarray(0, at), lie(chance), payload.subarray(at + 1))
}

const payloadOf = (chance: Chance, name: Name): Uint8Array => {
  const own = vector(chance, name)
  switch (chance.below(9)) {
    case 0:
      return own.slice()
    case 1:
      return chance.bytes(chance.below(120))
    case 2:
      return joined(lie(chance), chance.bytes(chance.below(200)))
    case 3:
    case 4:
      return lying(chance, own)
    case 5: {
      const other = vector(chance, chance.oneIn(2) ? name : chance.pick(names))
      return joined(own.subarray(0, chance.below(own.length + 1)), other.subarray(chance.below(other.length + 1)))
    }
    default:
      return chance.spoil(own)
  }
}

const is = (holds: boolean, words: () => string): void => {
  if (!holds) throw new Error(words())
}

/**
 * What a decoder may take for a payload, in bytes: every hash is reversed in a copy, headers are hashed, and no more. A reading
 * that believed a count or a length would take 8 KiB for each thousand of them, whatever has come.
 */
const perByte = 4
const beside = 1_024

/** What defaults a `version` has that ends early, in bytes. */
const defaults = 64

const judge = (name: Name, payload: Uint8Array, report: Report, allocations: Allocations): void => {
  const expected = wrong(name, payload)
  forget(allocations)
  const result = readers[name].decode(payload)
  const more = allocations.total - perByte * payload.length
  is(more <= beside, () => `${allocations.total} bytes were allocated for ${payload.length}`)
  report.most = Math.max(report.most, more)
  report.ends[expected ?? "ok"] = (report.ends[expected ?? "ok"] ?? 0) + 1
  if (Result.isFailure(result)) {
    const { failure } = result
    is(failure instanceof PayloadInvalid, () => "the failure has no type")
    return is(failure.reason === expected, () => `${failure.message}: it should be ${expected ?? "taken"}`)
  }
  is(expected === undefined, () => `it is taken, and should be refused as ${expected}`)
  judgeTaken(name, payload, result.success())
  report.taken[name] = (report.taken[name] ?? 0) + 1
}

/** A text that is no UTF-8 is written as what it is shown as; everything else is as it was. */
const judgeTaken = (name: Name, payload: Uint8Array, { isExact, twice, written }: Again): void => {
  if (!isExact) return
  is(
    written.length <= payload.length + defaults,
    () => `${payload.length} bytes of ${name} have become ${written.length}`
  )
  is(Buffer.compare(twice(), written) === 0, () => `${name} is another one when it was written and read again`)
}

const one = (chance: Chance, report: Report, allocations: Allocations): void => {
  const name = chance.pick(names)
  const payload = payloadOf(chance, name)
  report.inputs++
  report.bytes += payload.length
  showing(payload, () => judge(name, payload, report, allocations))
}

/** Throws at the first input for which a decoder throws, disagrees or takes too much. */
export const fuzz = (range: Range): Report => {
  const report: Report = { inputs: 0, bytes: 0, ends: {}, taken: {}, most: Number.NEGATIVE_INFINITY }
  const all = (allocations: Allocations) =>
    each("bitcoin-payloads", range, (chance) => one(chance, report, allocations))
  withoutStacks(range, () => watchingAll(all))
  return report
}
