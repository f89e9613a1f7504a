/**
 * The filters by which a light client says which transactions it wants without saying which are its own (BIP 37): `filterload`
 * gives one, `filteradd` an element more.
 */
import * as Hash from "./Hash.ts"
import * as Payload from "./Payload.ts"
import * as Transaction from "./Transaction.ts"

/** What nodes take: bytes of a filter and of an element, and hash functions. */
const mostBytes = 36_000
const mostFunctions = 50
const mostElement = 520

/** Whether the outputs that match are looked for as inputs from then on: those of keys alone, all, or none. */
export const Update = { none: 0, all: 1, keys: 2 } as const

export interface Loaded {
  readonly bits: Uint8Array
  readonly functions: number
  readonly tweak: number
  /** One of `Update` in its two lowest bits. */
  readonly flags: number
}

export const load = Payload.make<Loaded>(
  "filterload",
  (reader) => {
    const bits = reader.sized("the filter", mostBytes)
    const functions = reader.u32()
    if (functions > mostFunctions) reader.fail("too-many", `${functions} hash functions, ${mostFunctions} at the most`)
    return { bits, functions, tweak: reader.u32(), flags: reader.u8() }
  },
  (writer, { bits, flags, functions, tweak }) => void writer.sized(bits).u32(functions).u32(tweak).u8(flags)
)

export const add = Payload.make<Uint8Array>(
  "filteradd",
  (reader) => reader.sized("the element", mostElement),
  (writer, element) => void writer.sized(element)
)

const rotated = (value: number, by: number): number => (value << by) | (value >>> (32 - by))
const scrambled = (block: number): number => Math.imul(rotated(Math.imul(block, 0xcc9e2d51), 15), 0x1b873593)

/** MurmurHash3 of 32 bits. */
export const murmur3 = (seed: number, data: Uint8Array): number => {
  let hash = seed | 0
  const whole = data.length & ~3
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  for (let at = 0; at < whole; at += 4) {
    hash = Math.imul(rotated(hash ^ scrambled(view.getUint32(at, true)), 13), 5) + 0xe6546b64
  }
  let rest = 0
  for (let at = data.length - 1; at >= whole; at--) rest = (rest << 8) | data[at]!
  hash ^= scrambled(rest) ^ data.length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** What a script pushes, as far as it can be read. */
const pushes = (script: Uint8Array): ReadonlyArray<Uint8Array> => {
  const out: Array<Uint8Array> = []
  for (let at = 0; at < script.length;) {
    const code = script[at++]!
    const wide = code === 76 ? 1 : code === 77 ? 2 : code === 78 ? 4 : 0
    let length = code < 76 ? code : 0
    for (let byte = wide - 1; byte >= 0; byte--) length = length * 256 + (script[at + byte] ?? 0)
    at += wide
    if (at + length > script.length) break
    if (length > 0) out.push(script.subarray(at, at + length))
    at += length
  }
  return out
}

/** OP_CHECKSIG behind one key, or OP_CHECKMULTISIG behind several. */
const isOfKeys = (script: Uint8Array): boolean => {
  const last = script.at(-1)
  const keys = pushes(script)
  const areKeys = keys.length > 0 && keys.every(({ length }) => length === 33 || length === 65)
  return areKeys && (last === 0xae || (last === 0xac && keys.length === 1))
}

const outpoint = (id: string, index: number): Uint8Array => {
  const bytes = new Uint8Array(36)
  bytes.set(Hash.wire(id))
  new DataView(bytes.buffer).setUint32(32, index, true)
  return bytes
}

export class BloomFilter {
  readonly #bits: Uint8Array
  readonly #loaded: Loaded

  constructor(loaded: Loaded) {
    this.#loaded = loaded
    this.#bits = Uint8Array.from(loaded.bits)
  }

  add(element: Uint8Array): void {
    for (const place of this.#places(element)) this.#bits[place >>> 3]! |= 1 << (place & 7)
  }

  has(element: Uint8Array): boolean {
    return (
      this.#bits.length > 0 && this.#places(element).every((place) => (this.#bits[place >>> 3]! >>> (place & 7)) & 1)
    )
  }

  /** Whether a transaction may be one of those that are wanted; its outputs may be wanted as inputs from then on. */
  matches(transaction: Transaction.Transaction, id: string): boolean {
    const { inputs, outputs } = transaction
    let isWanted = this.has(Hash.wire(id))
    outputs.forEach(({ script }, index) => {
      if (!pushes(script).some((element) => this.has(element))) return
      isWanted = true
      const update = this.#loaded.flags & 3
      if (update === Update.all || (update === Update.keys && isOfKeys(script))) this.add(outpoint(id, index))
    })
    return (
      isWanted ||
      inputs.some(
        ({ index, previous, script }) =>
          this.has(outpoint(previous, index)) || pushes(script).some((element) => this.has(element))
      )
    )
  }

  #places(element: Uint8Array): ReadonlyArray<number> {
    const { functions, tweak } = this.#loaded
    const bits = this.#bits.length * 8
    if (bits === 0) return []
    return Array.from(
      { length: functions },
      (_, n) => murmur3((Math.imul(n, 0xfba4c795) + tweak) >>> 0, element) % bits
    )
  }
}
