/**
 * Sealed records, whole and spoilt, left out, repeated and mixed up, cut anywhere, through the opener of records. What was
 * sealed is known, so it is known what may open: the records before the first byte that differs, and nothing else.
 */
import * as Record from "../../../src/protocol/link/Record.ts"
import { tagSize } from "../../../src/protocol/link/RecordFailed.ts"
import { type Allocations, forget, watching } from "./Allocations.ts"
import { type Chance, each, joined, type Range } from "./Fuzz.ts"

export interface Report {
  inputs: number
  bytes: number
  records: number
  /** How the inputs ended: whole, or by the kind of the failure. */
  readonly ends: Record<string, number>
  /** The most that was taken at once, in bytes. */
  most: number
}

/** Records before a change of key, so that streams of a few records meet several. */
const rekeyInterval = 3

interface Sealed {
  readonly record: Uint8Array
  readonly plaintext: Uint8Array
}

const sizeOf = (chance: Chance): number =>
  chance.oneIn(200) ? Record.maxPlaintext - chance.below(2) : chance.pick([1, chance.below(20), chance.below(300)])

/** The records that carry `plaintext`, each with its part of it. */
const apart = (bytes: Uint8Array, plaintext: Uint8Array): ReadonlyArray<Sealed> => {
  const records: Array<Sealed> = []
  for (let at = 0, from = 0; at < bytes.length;) {
    const length = (bytes[at]! << 8) | bytes[at + 1]!
    const to = from + length - tagSize
    records.push({ record: bytes.slice(at, at + 2 + length), plaintext: plaintext.subarray(from, to) })
    at += 2 + length
    from = to
  }
  return records
}

const seal = (chance: Chance, key: Uint8Array): ReadonlyArray<Sealed> => {
  const sealer = new Record.Sealer(key, { rekeyInterval })
  const plaintexts = Array.from({ length: chance.below(8) }, () => chance.bytes(sizeOf(chance)))
  return plaintexts.flatMap((plaintext) => apart(Uint8Array.from(sealer.seal([plaintext])), plaintext))
}

const shuffled = (chance: Chance, records: ReadonlyArray<Uint8Array>): ReadonlyArray<Uint8Array> => {
  const at = chance.below(records.length)
  switch (chance.below(3)) {
    case 0:
      return records.toSpliced(at, 1)
    case 1:
      return records.toSpliced(at, 0, records[chance.below(records.length)]!)
    default:
      return [...records.slice(at), ...records.slice(0, at)]
  }
}

const streamOf = (chance: Chance, records: ReadonlyArray<Uint8Array>): Uint8Array => {
  switch (records.length === 0 ? 3 : chance.below(5)) {
    case 0:
      return joined(...shuffled(chance, records))
    case 1:
      return chance.spoil(joined(...records))
    case 2:
      return joined(...records).subarray(0, chance.below(records.length * 40))
    case 3:
      return joined(...records, Uint8Array.of(0, chance.below(chance.pick([256, 20]))), chance.bytes(chance.below(40)))
    default:
      return joined(...records)
  }
}

/** The first place in which the two differ, or at which one ends. */
const difference = (one: Uint8Array, other: Uint8Array): number => {
  const least = Math.min(one.length, other.length)
  for (let at = 0; at < least; at++) if (one[at] !== other[at]) return at
  return least
}

/** How many of the records lie whole before `end`, and where the last of them ends. */
const wholeBefore = (sealed: ReadonlyArray<Sealed>, end: number) => {
  let at = 0
  let count = 0
  for (const { record } of sealed) {
    if (at + record.length > end) break
    at += record.length
    count++
  }
  return { at, count }
}

/** How the input has to end that goes on with these bytes, which begin no record that was sealed as the next. */
const endOf = (rest: Uint8Array): string => {
  if (rest.length === 0) return "whole"
  if (rest.length === 1) return "RecordTruncated"
  const length = (rest[0]! << 8) | rest[1]!
  if (length < tagSize) return "RecordMalformed"
  return rest.length < 2 + length ? "RecordTruncated" : "RecordForged"
}

const is = (holds: boolean, words: string): void => {
  if (!holds) throw new Error(words)
}

/** One stream through one opener. */
const one = (chance: Chance, report: Report, allocations: Allocations): void => {
  const key = chance.bytes(32)
  const sealed = seal(chance, key)
  const genuine = joined(...sealed.map(({ record }) => record))
  const bytes = streamOf(
    chance,
    sealed.map(({ record }) => record)
  )
  const { at, count } = wholeBefore(sealed, difference(bytes, genuine))
  const expected = endOf(bytes.subarray(at))
  const opener = new Record.Opener(key, { rekeyInterval })
  const opened: Array<Uint8Array> = []
  let failure: ReturnType<Record.Opener["feed"]>
  for (const piece of chance.cut(bytes)) {
    forget(allocations)
    const before = opened.length
    const now = opener.feed(piece, (plaintext) => void opened.push(Uint8Array.from(plaintext)))
    report.most = Math.max(report.most, allocations.largest)
    if (failure !== undefined) is(now === failure && opened.length === before, "it goes on after a failure")
    failure = now
  }
  const contents = sealed.slice(0, count).filter(({ plaintext }) => plaintext.length > 0)
  is(opened.length === contents.length, `${opened.length} records opened instead of ${contents.length}`)
  for (const [index, { plaintext }] of contents.entries())
    is(Buffer.compare(plaintext, opened[index]!) === 0, `record ${index} opens as another one`)
  const ending = opener.end()?._tag ?? "whole"
  is(ending === expected, `it ends as ${ending}, and should as ${expected}`)
  is((failure?._tag ?? "none") === (expected === "whole" || expected === "RecordTruncated" ? "none" : expected), "late")
  report.inputs++
  report.bytes += bytes.length
  report.records += opened.length
  report.ends[ending] = (report.ends[ending] ?? 0) + 1
}

/** Throws at the first input for which the opener throws, opens what it must not, or does not open what it must. */
export const fuzz = (range: Range): Report => {
  const report: Report = { inputs: 0, bytes: 0, records: 0, ends: {}, most: 0 }
  watching((allocations) => each("records", range, (chance) => one(chance, report, allocations)))
  is(report.most <= Record.maxCiphertext, `${report.most} bytes taken at once`)
  return report
}
