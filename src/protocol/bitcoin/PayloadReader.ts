/**
 * Reads the fields of a payload in their order. After the first that is wrong everything else reads as nothing, so that a
 * decoder is written without asking after each field; `failed` says at the end what was wrong.
 *
 * No length or count is believed: it is checked against the bytes that are left before anything is allocated.
 */
import { PayloadInvalid } from "./PayloadInvalid.ts"

/** More than any count may be: what BSV and Core take for a mistake. */
const mostOfAnything = 0xffff_ffffn
const nothing = new Uint8Array(0)

export class PayloadReader {
  /** What was wrong first. */
  failed: PayloadInvalid | undefined
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Bytes that have not been read. */
  get left(): number {
    return this.#bytes.length - this.#at
  }

  fail(reason: PayloadInvalid["reason"], detail: string): void {
    this.failed ??= new PayloadInvalid({ reason, detail: `${detail}, at byte ${this.#at}` })
    this.#at = this.#bytes.length
  }

  u8(): number {
    const at = this.#take(1)
    return at < 0 ? 0 : this.#bytes[at]!
  }
  u16(): number {
    const at = this.#take(2)
    return at < 0 ? 0 : this.#view.getUint16(at, true)
  }
  /** Ports are the only numbers with the highest byte first. */
  port(): number {
    const at = this.#take(2)
    return at < 0 ? 0 : this.#view.getUint16(at)
  }
  u32(): number {
    const at = this.#take(4)
    return at < 0 ? 0 : this.#view.getUint32(at, true)
  }
  i32(): number {
    const at = this.#take(4)
    return at < 0 ? 0 : this.#view.getInt32(at, true)
  }
  u64(): bigint {
    const at = this.#take(8)
    return at < 0 ? 0n : this.#view.getBigUint64(at, true)
  }
  i64(): bigint {
    const at = this.#take(8)
    return at < 0 ? 0n : this.#view.getBigInt64(at, true)
  }

  /** The next bytes, as a view of the payload. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length)
    return at < 0 ? nothing : this.#bytes.subarray(at, at + length)
  }

  /** A number in 1, 3, 5 or 9 bytes: as few as it needs, or it is refused. */
  compactSize(): bigint {
    const first = this.u8()
    if (first < 0xfd) return BigInt(first)
    const [value, least] =
      first === 0xfd
        ? [BigInt(this.u16()), 0xfdn]
        : first === 0xfe
          ? [BigInt(this.u32()), 0x1_0000n]
          : [this.u64(), 0x1_0000_0000n]
    if (this.failed !== undefined) return 0n
    if (value < least) this.fail("non-canonical", `${value} in more bytes than it needs`)
    return this.failed === undefined ? value : 0n
  }

  /** How many items follow, each of `size` bytes at least, and `most` at the most. */
  count(what: string, size: number, most: number = Number(mostOfAnything)): number {
    const many = this.compactSize()
    if (many > mostOfAnything) this.fail("too-large", `${many} ${what}`)
    else if (many > BigInt(most)) this.fail("too-many", `${many} ${what}, ${most} at the most`)
    else if (Number(many) * size > this.left)
      this.fail("short", `${many} ${what} do not fit the ${this.left} bytes left`)
    return this.failed === undefined ? Number(many) : 0
  }

  /** Their count and so many items, up to the first that is not whole; each has `size` bytes at least. */
  list<A>(what: string, size: number, read: () => A, most?: number): Array<A> {
    const items: Array<A> = []
    for (let left = this.count(what, size, most); left > 0 && this.failed === undefined; left--) items.push(read())
    return items
  }

  /** Bytes with their length before them, as a view. */
  sized(what: string, most: number): Uint8Array {
    const length = this.compactSize()
    if (length > BigInt(most)) this.fail("too-large", `${what} of ${length} bytes, ${most} at the most`)
    return this.failed === undefined ? this.bytes(Number(length)) : nothing
  }

  /** Where the next bytes begin; below 0 if there are not so many. */
  #take(length: number): number {
    const at = this.#at
    if (length <= this.left && this.failed === undefined) {
      this.#at += length
      return at
    }
    this.fail("short", `${length} bytes are needed, ${this.left} are left`)
    return -1
  }
}
