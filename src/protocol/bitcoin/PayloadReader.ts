/**
 * Reads the fields of a payload in their order. After the first that is wrong everything else reads as nothing, so that a
 * decoder is written without asking after each field; `failed` says at the end what was wrong.
 *
 * No length or count is believed: it is checked against the bytes that are left before anything is allocated.
 */
import * as Hash from "./Hash.ts"
import { PayloadInvalid } from "./PayloadInvalid.ts"

/** More than any count may be: what BSV and Core take for a mistake. */
const mostOfAnything = 0xffff_ffff
const nothing = new Uint8Array(0)

export class PayloadReader {
  /** What was wrong first. */
  failed: PayloadInvalid | undefined
  /** All of it. */
  readonly payload: Uint8Array
  /** For numbers of 64 bits and hashes. Making it costs more than to read what payloads without them have. */
  #view: DataView | undefined
  #at = 0

  constructor(bytes: Uint8Array) {
    this.payload = bytes
  }

  /** Bytes that have been read, or skipped. */
  get at(): number {
    return this.#at
  }

  /** Bytes that have not been read. */
  get left(): number {
    return this.payload.length - this.#at
  }

  fail(reason: PayloadInvalid["reason"], detail: string): void {
    this.failed ??= new PayloadInvalid({ reason, detail: `${detail}, at byte ${this.#at}` })
    this.#at = this.payload.length
  }

  u8(): number {
    const at = this.#take(1)
    return at < 0 ? 0 : this.payload[at]!
  }
  u16(): number {
    const at = this.#take(2)
    return at < 0 ? 0 : this.payload[at]! | (this.payload[at + 1]! << 8)
  }
  /** Ports are the only numbers with the highest byte first. */
  port(): number {
    const at = this.#take(2)
    return at < 0 ? 0 : (this.payload[at]! << 8) | this.payload[at + 1]!
  }
  u32(): number {
    return this.i32() >>> 0
  }
  i32(): number {
    const at = this.#take(4)
    if (at < 0) return 0
    const bytes = this.payload
    return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
  }
  u64(): bigint {
    const at = this.#take(8)
    return at < 0 ? 0n : this.#wide.getBigUint64(at, true)
  }
  i64(): bigint {
    const at = this.#take(8)
    return at < 0 ? 0n : this.#wide.getBigInt64(at, true)
  }

  /** The next bytes, as a view of the payload. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length)
    return at < 0 ? nothing : this.payload.subarray(at, at + length)
  }

  /** Passes over the next bytes. */
  skip(length: number): void {
    this.#take(length)
  }

  /** The next 32 bytes as the text of a hash; empty if there are not so many. */
  hash(): string {
    const at = this.#take(Hash.size)
    return at < 0 ? "" : Hash.displayAt(this.#wide, at)
  }

  /** A number in 1, 3, 5 or 9 bytes: as few as it needs, or it is refused. */
  compactSize(): bigint {
    if (this.payload[this.#at] !== 0xff) return BigInt(this.#size())
    this.#at++
    const value = this.u64()
    return this.#canonical(Number(value), 0x1_0000_0000) === 0 ? 0n : value
  }

  /** The same for what is limited in any case: above 2^53 it is not exact. */
  #size(): number {
    const first = this.u8()
    if (first < 0xfd) return first
    if (first === 0xfd) return this.#canonical(this.u16(), 0xfd)
    if (first === 0xfe) return this.#canonical(this.u32(), 0x1_0000)
    return this.#canonical(Number(this.u64()), 0x1_0000_0000)
  }

  #canonical(value: number, least: number): number {
    if (this.failed !== undefined) return 0
    if (value >= least) return value
    this.fail("non-canonical", `${value} in more bytes than it needs`)
    return 0
  }

  /** How many items follow, each of `size` bytes at least, and `most` at the most. */
  count(what: string, size: number, most: number = mostOfAnything): number {
    const many = this.#size()
    if (many > mostOfAnything) this.fail("too-large", `${many} ${what}`)
    else if (many > most) this.fail("too-many", `${many} ${what}, ${most} at the most`)
    else if (many * size > this.left) this.fail("short", `${many} ${what} do not fit the ${this.left} bytes left`)
    return this.failed === undefined ? many : 0
  }

  /** Their count and so many items, up to the first that is not whole; each has `size` bytes at least. */
  list<A>(what: string, size: number, read: () => A, most?: number): Array<A> {
    const items: Array<A> = []
    for (let left = this.count(what, size, most); left > 0 && this.failed === undefined; left--) items.push(read())
    return items
  }

  /** Their count and the texts of so many hashes. */
  hashes(): Array<string> {
    const count = this.count("hashes", Hash.size)
    const first = this.#take(count * Hash.size)
    return first < 0 ? [] : Hash.displayAll(this.#wide, count, (index) => first + index * Hash.size)
  }

  /** Bytes with their length before them, as a view. */
  sized(what: string, most: number): Uint8Array {
    const length = this.#size()
    if (length > most) this.fail("too-large", `${what} of ${length} bytes, ${most} at the most`)
    return this.failed === undefined ? this.bytes(length) : nothing
  }

  get #wide(): DataView {
    return (this.#view ??= Hash.viewOf(this.payload))
  }

  /** Where the next bytes begin; below 0 if there are not so many. */
  #take(length: number): number {
    const at = this.#at
    if (at + length <= this.payload.length && this.failed === undefined) {
      this.#at += length
      return at
    }
    this.fail("short", `${length} bytes are needed, ${this.left} are left`)
    return -1
  }
}
