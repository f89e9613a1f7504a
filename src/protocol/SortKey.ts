/**
 * Texts that sort as the values sort that they were made of: keys of one to a few parts, for any store that can compare texts.
 *
 * Integers sort by size and before all texts, texts by their code points, which is how PostgreSQL's "C" collation compares UTF-8.
 * Different parts make different keys, and the key of the first parts begins the key of all: that is what `within` finds rows by.
 */

/** An integer of at most 99 digits, or a text without lone surrogates. 1 and 1n are the same part. */
export type Part = string | number | bigint

/** Ends a part. It is below all that a part can have in it. */
const end = "\u0001"
/** Above all that can follow an end, and in ASCII, so that both orders of texts agree about it. */
const above = "\u007f"
const maxDigits = 99

const digitsOf = (value: bigint): string => String(value < 0n ? -value : value)
const complement = (digits: string): string => digits.replace(/\d/g, (digit) => String(9 - Number(digit)))
const two = (n: number): string => String(n).padStart(2, "0")

const numberKey = (part: bigint): string => {
  const digits = digitsOf(part)
  return part < 0n ? `n0${two(maxDigits - digits.length)}${complement(digits)}` : `n1${two(digits.length)}${digits}`
}

/** Keeps the end's sign and what PostgreSQL cannot store out of texts, and their order as it is. */
// oxlint-disable-next-line no-control-regex
const textKey = (part: string): string => `t${part.replace(/[\0-\x02]/g, (c) => `\u0002${c.charCodeAt(0)}`)}`

/** What is wrong with a part, if anything. */
const problemOf = (part: Part): string | undefined => {
  if (typeof part === "string") return part.isWellFormed() ? undefined : "a text with half a character in it"
  if (typeof part === "number") return Number.isSafeInteger(part) ? undefined : `${part}, which is no safe integer`
  return digitsOf(part).length <= maxDigits ? undefined : `an integer of more than ${maxDigits} digits`
}

/** What is wrong with the first part that cannot be in a key. */
export const problem = (parts: ReadonlyArray<Part>): string | undefined => {
  for (const part of parts) {
    const found = problemOf(part)
    if (found !== undefined) return found
  }
  return undefined
}

/** The key of parts that have no `problem`. Of no parts: the empty text, which begins every key. */
export const encode = (parts: ReadonlyArray<Part>): string =>
  parts.map((part) => (typeof part === "string" ? textKey(part) : numberKey(BigInt(part))) + end).join("")

const shownPart = (part: string): string => {
  if (part.startsWith("t")) return part.slice(1)
  return part.startsWith("n0") ? `-${complement(part.slice(4))}` : part.slice(4)
}

/** The parts of a key for people. */
export const shown = (key: string): string => `[${key.split(end).slice(0, -1).map(shownPart).join(", ")}]`

/** A range of keys: from `from` on, and below `to`. */
export interface Range {
  readonly from: string
  readonly to: string
}

/** The keys that begin with `prefix` and come after those (backwards: before those) that begin with `after`, which begins with it. */
export const within = (prefix: string, after: string | undefined, backwards: boolean): Range => {
  if (after === undefined) return { from: prefix, to: prefix + above }
  return backwards ? { from: prefix, to: after } : { from: after + above, to: prefix + above }
}

/** The same key for who compares UTF-16 units, as `<` does: there all characters beyond U+FFFF are below U+E000. */
export const forUtf16 = (key: string): string =>
  key.replace(/[\ud800-\uffff]/g, (unit) => {
    const code = unit.charCodeAt(0)
    return String.fromCharCode(code < 0xe000 ? code + 0x2000 : code - 0x800)
  })
