/**
 * Streams of frames, whole and spoilt and no frames at all, cut anywhere, through the decoder of frames; and beside it a
 * plain reading of the same bytes in one piece, with which it has to agree.
 */
import * as Frame from "../../../src/protocol/link/Frame.ts"
import { type Allocations, forget, watching } from "./Allocations.ts"
import { type Chance, each, joined, type Range } from "./Fuzz.ts"

export interface Report {
  inputs: number
  bytes: number
  frames: number
  /** How the inputs ended: whole, or by the reason of the failure. */
  readonly ends: Record<string, number>
  /** The most that one frame begun took at once, in bytes. */
  most: number
}

interface Reading {
  readonly frames: ReadonlyArray<{ readonly kind: number; readonly from: number; readonly to: number }>
  readonly failure: Frame.FrameInvalid["reason"] | undefined
}

/** What `bytes` mean, by the letter of docs/PROTOCOL.md, 3. */
const read = (bytes: Uint8Array, limit: number): Reading => {
  const frames: Array<Reading["frames"][number]> = []
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let most = limit
  for (let at = 0; ;) {
    const left = bytes.length - at
    if (left === 0) return { frames, failure: undefined }
    if (left < 4) return { frames, failure: "truncated" }
    const length = view.getUint32(at)
    if (length > most) return { frames, failure: "oversized" }
    if (length < 2) return { frames, failure: "undersized" }
    if (left > 4 && bytes[at + 4] !== Frame.version) return { frames, failure: "version" }
    if (left < 4 + length) return { frames, failure: "truncated" }
    const kind = bytes[at + 5]!
    frames.push({ kind, from: at + Frame.headerSize, to: at + 4 + length })
    if (kind === Frame.Kind.Commit || kind === Frame.Kind.Joined) most = Math.max(most, Frame.maxOnSession)
    at += 4 + length
  }
}

const kinds = [...Object.values(Frame.Kind), 0, 99, 127, 255]
const limits = [Frame.maxBeforeHandshake, Frame.maxBeforeHandshake, 64, Frame.maxOnSession]

const sizeOf = (chance: Chance, limit: number): number => {
  if (chance.oneIn(50)) return Math.min(limit, 5_000) - 4 + chance.below(4)
  return chance.pick([0, 1, 8, chance.below(40), chance.below(300)])
}

/** A frame that begins as one of any length, up to what a length can say, and of which little comes. */
const promise = (chance: Chance): Uint8Array => {
  const out = new Uint8Array(6)
  const length = chance.pick([2 ** 31, 2 ** 32 - 1, Frame.maxOnSession, Frame.maxOnSession + 1, chance.below(2 ** 32)])
  new DataView(out.buffer).setUint32(0, length)
  out[4] = chance.oneIn(4) ? chance.below(256) : Frame.version
  out[5] = chance.pick(kinds)
  return joined(out, chance.bytes(chance.below(chance.oneIn(200) ? 300_000 : 50)))
}

const streamOf = (chance: Chance, limit: number): Uint8Array => {
  if (chance.oneIn(10)) return chance.bytes(chance.below(64))
  const parts: Array<Uint8Array> = []
  for (let count = chance.below(7); count > 0; count--) {
    parts.push(Frame.encode(chance.pick(kinds), chance.bytes(sizeOf(chance, limit))))
  }
  if (chance.oneIn(6)) parts.push(promise(chance))
  const whole = joined(...parts)
  return chance.oneIn(2) ? whole : chance.spoil(whole)
}

/** What a frame begun may take before that much of it has come, in bytes (docs/PROTOCOL.md, 3). */
const freely = 128 * 1024

const is = (holds: boolean, words: string): void => {
  if (!holds) throw new Error(words)
}

const sameBytes = (body: Uint8Array, bytes: Uint8Array): boolean => Buffer.compare(body, bytes) === 0

/** One stream through one decoder. */
const one = (chance: Chance, report: Report, allocations: Allocations): void => {
  const limit = chance.pick(limits)
  const bytes = streamOf(chance, limit)
  const expected = read(bytes, limit)
  const decoder = new Frame.Decoder(limit)
  const frames: Array<Frame.Frame> = []
  let failure: Frame.FrameInvalid | undefined
  let fed = 0
  for (const piece of chance.cut(bytes)) {
    const begun = fed - (expected.frames[frames.length - 1]?.to ?? 0)
    const before = frames.length
    forget(allocations)
    const now = decoder.feed(piece, frames)
    fed += piece.length
    is(
      allocations.largest <= Math.max(freely, 2 * (begun + piece.length)),
      `${allocations.largest} bytes taken at once for ${begun} bytes of a frame and a piece of ${piece.length}`
    )
    report.most = Math.max(report.most, allocations.largest)
    if (failure !== undefined) is(now === failure && frames.length === before, "it goes on after a failure")
    failure = now
  }
  is(frames.length === expected.frames.length, `${frames.length} frames instead of ${expected.frames.length}`)
  for (const [index, { body, kind }] of frames.entries()) {
    const it = expected.frames[index]!
    is(kind === it.kind && sameBytes(body, bytes.subarray(it.from, it.to)), `frame ${index} is another one`)
  }
  const end = decoder.end()
  is(end?.reason === expected.failure, `it ends as ${end?.reason}, and should as ${expected.failure}`)
  if (expected.failure !== "truncated") is(failure === end, "the failure comes with the end alone")
  report.inputs++
  report.bytes += bytes.length
  report.frames += frames.length
  const ending = expected.failure ?? "whole"
  report.ends[ending] = (report.ends[ending] ?? 0) + 1
}

/** Throws at the first input for which the decoder throws, disagrees or takes too much. */
export const fuzz = (range: Range): Report => {
  const report: Report = { inputs: 0, bytes: 0, frames: 0, ends: {}, most: 0 }
  watching((allocations) => each("frames", range, (chance) => one(chance, report, allocations)))
  return report
}
