/** Writes the fields of a payload in their order. */

/** In as few bytes as it needs. */
const compactSizeOf = (value: bigint): number =>
  value < 0xfdn ? 1 : value <= 0xffffn ? 3 : value <= 0xffff_ffffn ? 5 : 9

export class PayloadWriter {
  #bytes: Buffer
  #at = 0

  /** `room`: how many bytes it will be, as far as is known. */
  constructor(room = 64) {
    this.#bytes = Buffer.alloc(room)
  }

  /** What has been written. Nothing more may be written afterwards. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#at)
  }

  u8(value: number): this {
    this.#room(1).writeUInt8(value, this.#at - 1)
    return this
  }
  u32(value: number): this {
    this.#room(4).writeUInt32LE(value, this.#at - 4)
    return this
  }
  i32(value: number): this {
    this.#room(4).writeInt32LE(value, this.#at - 4)
    return this
  }
  u64(value: bigint): this {
    this.#room(8).writeBigUInt64LE(value, this.#at - 8)
    return this
  }
  i64(value: bigint): this {
    this.#room(8).writeBigInt64LE(value, this.#at - 8)
    return this
  }
  /** Ports are the only numbers with the highest byte first. */
  port(value: number): this {
    this.#room(2).writeUInt16BE(value, this.#at - 2)
    return this
  }
  bytes(value: Uint8Array): this {
    this.#room(value.length).set(value, this.#at - value.length)
    return this
  }

  compactSize(value: number | bigint): this {
    const big = BigInt(value)
    const size = compactSizeOf(big)
    if (size === 1) return this.u8(Number(big))
    this.u8(size === 3 ? 0xfd : size === 5 ? 0xfe : 0xff)
    if (size === 9) return this.u64(big)
    if (size === 5) return this.u32(Number(big))
    this.#room(2).writeUInt16LE(Number(big), this.#at - 2)
    return this
  }

  /** Bytes with their length before them. */
  sized(value: Uint8Array): this {
    return this.compactSize(value.length).bytes(value)
  }

  /** Takes so many bytes more; gives back what they lie in. */
  #room(length: number): Buffer {
    const at = this.#at
    this.#at += length
    if (this.#at > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(this.#at, 2 * this.#bytes.length))
      grown.set(this.#bytes.subarray(0, at))
      this.#bytes = grown
    }
    return this.#bytes
  }
}
