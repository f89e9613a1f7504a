/**
 * Two handshake machines that talk to each other over a line which spoils, drops, repeats and replaces what they say, cut
 * anywhere; the real machines on both ends, or noise in place of one. Whatever comes: typed failures and nothing else, and
 * no agreement about what was not said.
 */
import { Schema } from "effect"
import * as Noise from "../../../src/protocol/link/Noise.ts"
import { NoiseFailed } from "../../../src/protocol/link/NoiseFailed.ts"
import * as NodeSecret from "../../../src/protocol/NodeSecret.ts"
import { type Chance, each, joined, type Range } from "./Fuzz.ts"

export interface Report {
  inputs: number
  /** How each side came out: by the kind of its failure, "done", or "waits". */
  readonly ends: Record<string, number>
}

const secrets = [1, 2, 3].map((byte) => NodeSecret.fromSeed(new Uint8Array(32).fill(byte)))
const [ann, ben] = [secrets[0]!, secrets[1]!]

const isTyped = Schema.is(NoiseFailed)

const preamble = (chance: Chance): Uint8Array =>
  joined(Buffer.from("HOLDFAST"), Uint8Array.of(chance.oneIn(4) ? chance.below(256) : 1, chance.below(3)))

/** A message that nobody has made, of a length that fits or not. */
const forged = (chance: Chance): Uint8Array => {
  const length = chance.pick([32, 48, 96, 128, chance.below(1_100), chance.below(65_536)])
  const message = joined(Uint8Array.of(length >> 8, length & 255), chance.bytes(Math.min(length, 1_100)))
  return chance.oneIn(2) ? message : joined(preamble(chance), message)
}

const alert = (chance: Chance): Uint8Array => Uint8Array.of(0xff, 0xff, chance.below(9), chance.below(256))

/** What was said in other handshakes, as somebody on the path may have recorded it. */
const recorded: ReadonlyArray<Uint8Array> = [undefined, ben.key].flatMap((expected) => {
  const party = ({ key, linkKeys }: NodeSecret.NodeSecret, byte: number) => ({
    key,
    linkKeys,
    ephemeral: new Uint8Array(32).fill(byte)
  })
  const [left, right] = [Noise.initiator(party(ann, 7), expected), Noise.responder(party(ben, 8))]
  const said = [...left.start().send]
  for (let at = 0; at < said.length; at++) said.push(...(at % 2 === 0 ? right : left).feed(said[at]!).send)
  return said
})

/** What arrives of what was said. */
const arrives = (chance: Chance, bytes: Uint8Array): Uint8Array => {
  switch (chance.below(6)) {
    case 0:
      return forged(chance)
    case 1:
      return alert(chance)
    case 2:
      return chance.pick(recorded)
    case 3:
      return joined(bytes, chance.bytes(chance.below(80)))
    default:
      return chance.spoil(bytes)
  }
}

const is = (holds: boolean, words: string): void => {
  if (!holds) throw new Error(words)
}

/** The most bytes that a side takes before it is done: preamble and messages with their lengths. */
const longest = Noise.preambleSize + 3 * (2 + 128)

class Side {
  readonly machine: Noise.Noise
  done: Noise.Established | undefined
  error: NoiseFailed | undefined
  #fed = 0

  constructor(machine: Noise.Noise) {
    this.machine = machine
  }

  get over(): boolean {
    return this.done !== undefined || this.error !== undefined
  }

  get ending(): string {
    return this.error?._tag ?? (this.done === undefined ? "waits" : "done")
  }

  take({ done, error, send }: Noise.Step): ReadonlyArray<Uint8Array> {
    is(done === undefined || error === undefined, "it has done and failed at once")
    is(error === undefined || isTyped(error), "it fails with what is no failure of a handshake")
    this.done = done
    this.error = error
    for (const bytes of send) is(bytes.length <= longest, `it sends ${bytes.length} bytes at once`)
    return send.map((bytes) => Uint8Array.from(bytes))
  }

  feed(chance: Chance, bytes: Uint8Array): ReadonlyArray<Uint8Array> {
    const said: Array<Uint8Array> = []
    for (const piece of chance.cut(bytes)) {
      if (this.over) break
      this.#fed += piece.length
      said.push(...this.take(this.machine.feed(piece)))
      // What is left after the handshake is a view of the piece, as it says.
      if (this.done === undefined) piece.fill(0xee)
    }
    is(this.over || this.#fed <= longest, `it has taken ${this.#fed} bytes and wants more`)
    return said
  }
}

const self = (chance: Chance, { key, linkKeys }: NodeSecret.NodeSecret): Noise.Self => ({
  key,
  linkKeys,
  ephemeral: chance.bytes(32)
})

const sameKeys = (one: Noise.Established, other: Noise.Established): boolean =>
  Buffer.compare(one.txKey, other.rxKey) === 0 &&
  Buffer.compare(one.rxKey, other.txKey) === 0 &&
  Buffer.compare(one.hash, other.hash) === 0

/** One handshake of Ann, who dials, with Ben; at most two of its writes are tampered with. */
const one = (chance: Chance, report: Report): void => {
  const expected = chance.pick([undefined, ben.key, ben.key, secrets[2]!.key])
  const left = new Side(Noise.initiator(self(chance, ann), expected))
  const right = new Side(Noise.responder(self(chance, ben)))
  const tampered = new Set([chance.below(4), chance.below(4)])
  let same = true
  let writes = 0
  const line: Array<readonly [Side, Uint8Array]> = []
  const say = (to: Side, said: ReadonlyArray<Uint8Array>) => {
    for (const bytes of said) {
      const isTampered = tampered.has(writes++)
      const now = isTampered ? arrives(chance, bytes) : bytes
      same &&= Buffer.compare(now, bytes) === 0
      if (!(isTampered && chance.oneIn(8))) line.push([to, now])
      else same = false
    }
  }
  say(left, right.take(right.machine.start()))
  say(right, left.take(left.machine.start()))
  for (let next = line.shift(); next !== undefined; next = line.shift()) {
    const [to, bytes] = next
    if (!to.over) say(to === left ? right : left, to.feed(chance, bytes))
  }
  if (left.done !== undefined) is(left.done.peer === ben.key, "the dialler takes the peer for somebody else")
  if (right.done !== undefined) is(right.done.peer === ann.key, "who was dialled takes the peer for somebody else")
  if (left.done !== undefined && right.done !== undefined) is(sameKeys(left.done, right.done), "they do not agree")
  if (same && expected !== secrets[2]!.key)
    is(left.done !== undefined && right.done !== undefined, "nobody was in the way")
  report.inputs++
  for (const ending of [`dialler: ${left.ending}`, `dialled: ${right.ending}`]) {
    report.ends[ending] = (report.ends[ending] ?? 0) + 1
  }
}

/** Throws at the first handshake in which a machine throws, fails without a type, takes too much or agrees to a lie. */
export const fuzz = (range: Range): Report => {
  const report: Report = { inputs: 0, ends: {} }
  each("noise", range, (chance) => one(chance, report))
  return report
}
