/**
 * Proof of work: the id of a header, as a number, is not above the target that its bits stand for. Which hash is meant differs
 * between networks, and Litecoin's (scrypt) is not computed here: its headers are taken without it.
 */
import type { BlockHeader } from "./BlockHeader.ts"

/** How headers of a network are judged; a sentence says what is wrong. */
export type ProofOfWork = (header: Pick<BlockHeader, "bits" | "id">) => string | undefined

/** The easiest target: of the main and test networks, and of regtest. */
export const mainLimit = (1n << 224n) - 1n
export const regtestLimit = (1n << 255n) - 1n

/**
 * The target of packed bits: the highest byte is how many bytes the number has, the others are its first three, the highest
 * bit of which is a sign. `undefined` if it is zero, negative or longer than 256 bits.
 */
export const target = (bits: number): bigint | undefined => {
  const length = bits >>> 24
  const mantissa = bits & 0x7f_ffff
  const value = length <= 3 ? BigInt(mantissa >>> (8 * (3 - length))) : BigInt(mantissa) << BigInt(8 * (length - 3))
  const negative = (bits & 0x80_0000) !== 0
  return value === 0n || negative || value >> 256n !== 0n ? undefined : value
}

/** The bits of a target, as short as they can be: what `target` unpacks, without the digits that do not fit. */
export const bitsOf = (value: bigint): number => {
  let length = Math.ceil(value.toString(16).length / 2)
  let mantissa = Number(length <= 3 ? value << BigInt(8 * (3 - length)) : value >> BigInt(8 * (length - 3)))
  if (mantissa > 0x7f_ffff) {
    mantissa >>>= 8
    length++
  }
  return ((length << 24) | mantissa) >>> 0
}

/** How many hashes were needed on average to find a header of these bits; 0 if they are no target. */
export const work = (bits: number): bigint => {
  const value = target(bits)
  return value === undefined ? 0n : (1n << 256n) / (value + 1n)
}

const packed = (bits: number): string => bits.toString(16).padStart(8, "0")

/** Of bits that are no target of the network, what is wrong; of all others the target, as long as an id and as comparable. */
const judged = (bits: number, limit: bigint): { readonly wrong: string } | { readonly target: string } => {
  const value = target(bits)
  if (value === undefined) return { wrong: `bits ${packed(bits)} are no target` }
  if (value > limit) return { wrong: `bits ${packed(bits)} are easier than the network allows` }
  return { target: value.toString(16).padStart(64, "0") }
}

/**
 * By double SHA-256, and no target easier than the network's. Headers that follow each other mostly have the same bits: the
 * last ones are remembered. Ids are compared as texts: as long as each other and in lower case, they are in the order of their numbers.
 */
export const sha256d = (limit: bigint): ProofOfWork => {
  let last = { bits: 0, judged: judged(0, limit) }
  return ({ bits, id }) => {
    if (bits !== last.bits) last = { bits, judged: judged(bits, limit) }
    if ("wrong" in last.judged) return last.judged.wrong
    return id > last.judged.target ? `block ${id} has not the work that bits ${packed(bits)} ask for` : undefined
  }
}

/** Networks whose proof of work cannot be computed here. */
export const unchecked: ProofOfWork = () => undefined

/** Blocks between two changes of the target, and the seconds that they should take. */
export const retargetEvery = 2_016
const retargetTime = 14 * 24 * 3_600

/**
 * The bits after a whole interval, of which the first and the last header have these times: the rule of the main network before
 * August 2017, and of BTC today.
 */
export const retarget = (bits: number, firstTime: number, lastTime: number, limit: bigint): number => {
  const took = Math.min(Math.max(lastTime - firstTime, retargetTime / 4), retargetTime * 4)
  const next = ((target(bits) ?? 0n) * BigInt(took)) / BigInt(retargetTime)
  return bitsOf(next > limit ? limit : next)
}
