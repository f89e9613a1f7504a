/**
 * Runs a fuzzer over numbered inputs. Each input has a generator of its own, made of the seed and its number, so that one
 * that shows a fault can be given again alone: `npm run torture -- frames --seed 7 --from 123456 --inputs 1`.
 */
import { noise as bytesOf, seeded } from "../Malformed.ts"

export interface Range {
  readonly seed: number
  /** How many. */
  readonly inputs: number
  /** The number of the first; 0 by default. */
  readonly from?: number | undefined
}

/** An input that showed a fault. */
export class Found extends Error {
  override readonly name = "Found"
}

/** A seed of its own for each pair of numbers (the finalizer of MurmurHash3). */
const mixed = (seed: number, index: number): number => {
  let h = Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b) ^ Math.imul(index + 1, 0xc2b2_ae35)
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** Runs `one` for every input. What it throws is thrown again with the words that give the input once more. */
export const each = (fuzzer: string, { from = 0, inputs, seed }: Range, one: (chance: Chance) => void): void => {
  for (let index = from; index < from + inputs; index++) {
    try {
      one(new Chance(seeded(mixed(seed, index))))
    } catch (cause) {
      throw found(fuzzer, seed, index, cause)
    }
  }
}

export const found = (fuzzer: string, seed: number, index: number, cause: unknown): Found =>
  new Found(
    `${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}\n` +
      `again: npm run torture -- ${fuzzer} --seed ${seed} --from ${index} --inputs 1`,
    { cause }
  )

/** Most bytes of an input that are printed. */
const shown = 4_096

/** Runs `work` on an input: what it throws is thrown again with the input in hex. */
export const showing = (input: Uint8Array, work: () => void): void => {
  try {
    work()
  } catch (cause) {
    const hex = Buffer.from(input.subarray(0, shown)).toString("hex")
    const rest = input.length > shown ? `... (${input.length} bytes)` : ""
    throw new Error(
      `${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}\ninput: ${hex}${rest}`,
      {
        cause
      }
    )
  }
}

/**
 * Runs `work` without the stacks of errors, which take longer than most that fails: they come with an input that is given
 * alone.
 */
export const withoutStacks = <A>({ inputs }: Range, work: () => A): A => {
  const { stackTraceLimit } = Error
  if (inputs > 1) Error.stackTraceLimit = 0
  try {
    return work()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** The chance of one input. */
export const chanceOf = (seed: number, index: number): Chance => new Chance(seeded(mixed(seed, index)))

/** Drawn once: to draw every byte of every input would take longer than to decode it. */
const noise = bytesOf(seeded(0), 64 * 1024)

/** Draws of one generator. */
export class Chance {
  readonly #random: () => number

  constructor(random: () => number) {
    this.#random = random
  }

  /** From 0 up to and without `limit`. */
  below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  /** Happens in one of so many cases. */
  oneIn(cases: number): boolean {
    return this.#random() * cases < 1
  }

  pick<A>(from: ReadonlyArray<A>): A {
    return from[this.below(from.length)]!
  }

  /** Noise. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(length)
    for (let at = 0; at < length;) {
      const from = this.below(noise.length)
      const some = noise.subarray(from, from + length - at)
      out.set(some, at)
      at += some.length
    }
    return out
  }

  /** `bytes` with a few of them changed, taken out, put in, doubled or cut off; a copy. */
  spoil(bytes: Uint8Array): Uint8Array {
    let out = Uint8Array.from(bytes)
    for (let times = 1 + this.below(3); times > 0; times--) out = this.#spoilOnce(out)
    return out
  }

  #spoilOnce(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    const at = this.below(bytes.length + 1)
    const before = bytes.subarray(0, at)
    switch (this.below(6)) {
      case 0:
        return Uint8Array.from(before)
      case 1:
        return joined(before, bytes.subarray(at + 1 + this.below(4)))
      case 2:
        return joined(before, this.bytes(1 + this.below(6)), bytes.subarray(at))
      case 3: {
        const from = this.below(at + 1)
        return joined(before, bytes.subarray(from))
      }
      default: {
        const flipped = Uint8Array.from(bytes)
        if (at < flipped.length) flipped[at]! ^= 1 << this.below(8)
        return flipped
      }
    }
  }

  /** `bytes` in pieces cut anywhere, each in memory of its own, empty ones among them; in small ones if they are few. */
  cut(bytes: Uint8Array): ReadonlyArray<Uint8Array> {
    const most = this.pick(bytes.length > 1_024 ? [300, 16_384, 1 + bytes.length] : [1, 3, 16, 1 + bytes.length])
    const pieces: Array<Uint8Array> = []
    for (let at = 0; at < bytes.length;) {
      const next = at + (most === 1 ? 1 : this.below(most + 1))
      pieces.push(bytes.slice(at, next))
      at = next
    }
    return pieces
  }
}

export const joined = (...parts: ReadonlyArray<Uint8Array>): Uint8Array<ArrayBuffer> => {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** The seed that the environment gives, for a run that shall be repeated, or this one. */
export const seedOr = (usual: number): number => Number(process.env["FUZZ_SEED"] ?? usual)
