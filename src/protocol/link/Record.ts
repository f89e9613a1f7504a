/**
 * The records of a secure channel: `u16 length | ciphertext`, sealed with ChaCha20-Poly1305 under the keys that the
 * handshake left, in order, with no gaps (docs/PROTOCOL.md, "Secure channel").
 *
 * A record carries bytes, not messages: many small frames share one, a large frame spans several. Each direction
 * counts its records in 64 bits and changes its key by Noise REKEY at fixed places, so both sides stay in step without
 * a word. A record that does not open ends the channel for good.
 *
 * What this layer cannot see: an attacker who cuts the connection between two records. Only the frame that says
 * goodbye is a proven end.
 */
import sodium from "sodium-native"
import { Pieces } from "./Pieces.ts"
import { RecordForged, type RecordFailed, RecordMalformed, RecordTruncated, tagSize } from "./RecordFailed.ts"

const headerSize = 2
/** The largest ciphertext of a record, in bytes: what its length can say. */
export const maxCiphertext = 65_535
/** The largest content of a record, in bytes. */
export const maxPlaintext = maxCiphertext - tagSize
/** What this side puts into one record at the most, in bytes: as much as stays in a processor's nearest cache. */
export const sealedAtOnce = 16 * 1024
/** Records in one direction after which its key changes. Both sides must agree on it. */
export const rekeyInterval = 2 ** 20

/** Both sides of a channel must choose alike. */
export interface Options {
  /** Default `rekeyInterval`. */
  readonly rekeyInterval?: number | undefined
}

const zeros = new Uint8Array(32)
const rekeyNonce = Uint8Array.of(0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255)

/** A key, the number of the next record as Noise writes it into a nonce, and the records left under the key. */
class Turn {
  readonly key: Uint8Array
  /** Four zero bytes and the record number, little-endian. */
  readonly nonce: Uint8Array
  readonly #interval: number
  #left: number

  constructor(key: Uint8Array, options: Options | undefined) {
    // Together: each store of its own costs more than what is in it.
    const store = new ArrayBuffer(44)
    this.key = new Uint8Array(store, 0, 32)
    this.key.set(key)
    this.nonce = new Uint8Array(store, 32)
    this.#interval = options?.rekeyInterval ?? rekeyInterval
    this.#left = this.#interval
  }

  next(): void {
    for (let at = 4; ; at++) {
      const byte = this.nonce[at]! + 1
      this.nonce[at] = byte
      if (byte < 256) break
      // 2^56 records later. No channel lives so long, and a number must never come twice.
      if (at === 10) throw new Error("the record numbers of this channel are used up")
    }
    if (--this.#left === 0) this.#rekey()
  }

  /** Noise REKEY: the first 32 bytes of 32 zeros sealed under the last nonce. The record number goes on. */
  #rekey(): void {
    const sealed = new Uint8Array(32 + tagSize)
    sodium.crypto_aead_chacha20poly1305_ietf_encrypt(sealed, zeros, null, null, rekeyNonce, this.key)
    this.key.set(sealed.subarray(0, 32))
    sodium.sodium_memzero(sealed)
    this.#left = this.#interval
  }
}

/** How many bytes the records take that carry `size` bytes. */
export const sealedSize = (size: number): number => size + Math.ceil(size / sealedAtOnce) * (headerSize + tagSize)

/** Makes records of what one side writes. */
export class Sealer {
  readonly #turn: Turn

  constructor(key: Uint8Array, options?: Options) {
    this.#turn = new Turn(key, options)
  }

  /**
   * The bytes of `chunks`, in order, as records in one buffer. Nothing for nothing. Everything returned must be
   * sent, and in the order of the calls: the peer cannot open a record if one before it is missing.
   */
  seal(chunks: ReadonlyArray<Uint8Array>): Uint8Array {
    const pieces = new Pieces(chunks)
    const out = Buffer.allocUnsafe(sealedSize(pieces.left))
    this.sealInto(out, pieces)
    return out
  }

  /** As `seal`, as many records as `out` has room for, from its start: how many bytes they are. */
  sealInto(out: Uint8Array, pieces: Pieces): number {
    let at = 0
    while (pieces.left > 0) {
      const size = Math.min(sealedAtOnce, pieces.left, out.length - at - headerSize - tagSize)
      if (size <= 0) break
      const body = at + headerSize
      const end = body + size + tagSize
      out[at] = (size + tagSize) >>> 8
      out[at + 1] = size + tagSize
      this.#seal(out.subarray(body, end), pieces, size)
      at = end
    }
    return at
  }

  #seal(ciphertext: Uint8Array, pieces: Pieces, size: number): void {
    const { key, nonce } = this.#turn
    // What has to be gathered is gathered where the ciphertext will be, and sealed in place.
    const plaintext = pieces.take(size, ciphertext)
    const content = plaintext === ciphertext ? ciphertext.subarray(0, size) : plaintext
    sodium.crypto_aead_chacha20poly1305_ietf_encrypt(ciphertext, content, null, null, nonce, key)
    this.#turn.next()
  }
}

/** Takes what a record carried, as its own. */
export type Take = (plaintext: Uint8Array) => void

/**
 * Opens the records of the other side where they are, so that nothing has to be copied: the chunks it is fed are its own.
 * Owned by one reader. Holds at most one unfinished record, 64 KiB.
 */
export class Opener {
  /** Records that it has opened. */
  records = 0
  readonly #turn: Turn
  #failed: RecordFailed | undefined
  /** The record that has begun: first its length alone, then a buffer of its size with `#received` bytes in place. */
  #partial: Uint8Array | undefined
  #received = 0
  #lengthByte = -1

  constructor(key: Uint8Array, options?: Options) {
    this.#turn = new Turn(key, options)
  }

  /**
   * Takes the next bytes, cut anywhere, and gives the contents of the records that they complete, in order, none empty.
   * After the first failure it fails for good and nothing more is opened.
   */
  feed(chunk: Uint8Array, take: Take): RecordFailed | undefined {
    if (this.#failed === undefined) {
      const at = this.#finishPartial(chunk, take)
      this.#openWhole(chunk, at, take)
    }
    return this.#failed
  }

  /** What it means that the input ends here: nothing between records, a failure inside one. */
  end(): RecordFailed | undefined {
    if (this.#failed !== undefined) return this.#failed
    if (this.#partial !== undefined) return new RecordTruncated({ received: headerSize + this.#received })
    return this.#lengthByte < 0 ? undefined : new RecordTruncated({ received: 1 })
  }

  /** Completes the record that an earlier chunk began, as far as this chunk goes; gives back where the rest starts. */
  #finishPartial(chunk: Uint8Array, take: Take): number {
    let at = 0
    if (this.#lengthByte >= 0 && chunk.length > 0) {
      const length = (this.#lengthByte << 8) | chunk[0]!
      this.#lengthByte = -1
      at = 1
      if (this.#refused(length)) return at
      this.#begin(length)
    }
    const partial = this.#partial
    if (partial === undefined) return at
    const count = Math.min(partial.length - this.#received, chunk.length - at)
    partial.set(count === chunk.length ? chunk : chunk.subarray(at, at + count), this.#received)
    this.#received += count
    if (this.#received === partial.length) {
      this.#partial = undefined
      this.#open(partial, take)
    }
    return at + count
  }

  /** Opens the records that lie whole in the chunk from `at` on, and keeps what begins after them. */
  #openWhole(chunk: Uint8Array, start: number, take: Take): void {
    let at = start
    while (this.#failed === undefined) {
      const left = chunk.length - at
      if (left < headerSize) {
        if (left === 1) this.#lengthByte = chunk[at]!
        return
      }
      const length = (chunk[at]! << 8) | chunk[at + 1]!
      if (this.#refused(length)) return
      const from = at + headerSize
      if (from + length > chunk.length) {
        this.#begin(length).set(chunk.subarray(from))
        this.#received = chunk.length - from
        return
      }
      this.#open(chunk.subarray(from, from + length), take)
      at = from + length
    }
  }

  #begin(length: number): Uint8Array {
    this.#received = 0
    this.#partial = Buffer.allocUnsafe(length)
    return this.#partial
  }

  #refused(length: number): boolean {
    if (length >= tagSize) return false
    this.#failed = new RecordMalformed({ length })
    return true
  }

  #open(ciphertext: Uint8Array, take: Take): void {
    const { key, nonce } = this.#turn
    const content = ciphertext.subarray(0, ciphertext.length - tagSize)
    try {
      sodium.crypto_aead_chacha20poly1305_ietf_decrypt(content, null, ciphertext, null, nonce, key)
    } catch {
      this.#failed = new RecordForged({ length: ciphertext.length })
      return
    }
    this.#turn.next()
    this.records++
    if (content.length > 0) take(content)
  }
}
