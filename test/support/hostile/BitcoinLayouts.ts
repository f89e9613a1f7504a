/**
 * The payloads of Bitcoin's commands by the letter of their tables: a second reading, which stops at the first thing that is
 * wrong and makes nothing of what it reads.
 */
import type { PayloadInvalid } from "../../../src/protocol/bitcoin/PayloadInvalid.ts"

type Reason = PayloadInvalid["reason"]

class Wrong extends Error {
  readonly reason: Reason
  constructor(reason: Reason) {
    super(reason)
    this.reason = reason
  }
}

/** Where a reading is in its payload. */
class Cursor {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  skip(bytes: number): Buffer {
    if (bytes > this.left) throw new Wrong("short")
    this.#at += bytes
    return this.#bytes.subarray(this.#at - bytes, this.#at)
  }

  size(): bigint {
    const first = this.skip(1)[0]!
    if (first < 0xfd) return BigInt(first)
    const width = first === 0xfd ? 2 : first === 0xfe ? 4 : 8
    const value = BigInt(`0x${Buffer.from(this.skip(width)).reverse().toString("hex")}`)
    const least = first === 0xfd ? 0xfdn : first === 0xfe ? 0x1_0000n : 0x1_0000_0000n
    if (value < least) throw new Wrong("non-canonical")
    return value
  }

  text(most = this.left): Buffer {
    const length = this.size()
    if (length > BigInt(most)) throw new Wrong("too-large")
    return this.skip(Number(length))
  }

  /** Items of `least` bytes or more, `most` of them. */
  items(least: number, one: () => void, most?: number): void {
    const many = this.size()
    if (many > 0xffff_ffffn) throw new Wrong("too-large")
    if (most !== undefined && many > BigInt(most)) throw new Wrong("too-many")
    if (many * BigInt(least) > BigInt(this.left)) throw new Wrong("short")
    for (let left = Number(many); left > 0; left--) one()
  }
}

type Layout = (cursor: Cursor) => void

const fixed =
  (bytes: number): Layout =>
  (cursor) =>
    void cursor.skip(bytes)

const version =
  (associations: boolean): Layout =>
  (cursor) => {
    cursor.skip(4 + 8 + 8 + 26)
    // An address ends nowhere inside, nor does any other field.
    const tail: ReadonlyArray<Layout> = [fixed(26), fixed(8), (it) => it.text(256), fixed(4), fixed(1)]
    for (const field of tail) if (cursor.left > 0) field(cursor)
    if (!associations || cursor.left === 0) return
    const id = cursor.text(129)
    if (id.length > 0 && (id[0] !== 0 || id.length !== 17)) throw new Wrong("protocol")
  }

const inventory: Layout = (cursor) => cursor.items(36, () => cursor.skip(36))

const question: Layout = (cursor) => {
  cursor.skip(4)
  cursor.items(32, () => cursor.skip(32))
  cursor.skip(32)
}

const protoconf: Layout = (cursor) => {
  const fields = cursor.size()
  if (fields === 0n) throw new Wrong("protocol")
  if (cursor.skip(4).readUInt32LE() < 1_048_576) throw new Wrong("protocol")
  if (fields > 1n) cursor.text(1_024)
}

const transaction: Layout = (cursor) => {
  cursor.skip(4)
  cursor.items(41, () => {
    cursor.skip(36)
    // What may be there at the most is known before its length is read.
    cursor.text()
    cursor.skip(4)
  })
  cursor.items(9, () => {
    cursor.skip(8)
    cursor.text()
  })
  cursor.skip(4)
}

const reject: Layout = (cursor) => {
  cursor.text(12)
  cursor.skip(1)
  cursor.text(111)
}

const layouts = {
  version: version(false),
  "version of BSV": version(true),
  ping: fixed(8),
  pong: fixed(8),
  inv: inventory,
  getdata: inventory,
  notfound: inventory,
  getblocks: question,
  getheaders: question,
  gethdrsen: question,
  headers: (cursor: Cursor) =>
    cursor.items(
      81,
      () => {
        cursor.skip(80)
        cursor.size()
      },
      2_000
    ),
  addr: (cursor: Cursor) => cursor.items(30, () => cursor.skip(30), 1_000),
  feefilter: fixed(8),
  sendcmpct: fixed(9),
  protoconf,
  reject,
  tx: transaction,
  block: (cursor: Cursor) => {
    cursor.skip(80)
    cursor.items(10, () => transaction(cursor))
  }
} satisfies Readonly<Record<string, Layout>>

export type Name = keyof typeof layouts

/** What is wrong with a payload, if anything. */
export const wrong = (name: Name, payload: Uint8Array): Reason | undefined => {
  try {
    layouts[name](new Cursor(payload))
    return undefined
  } catch (error) {
    if (error instanceof Wrong) return error.reason
    throw error
  }
}
