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
import { RecordForged, type RecordFailed, RecordMalformed, RecordTruncated, tagSize } from "./RecordFailed.ts"

const headerSize = 2
/** The largest ciphertext of a record, in bytes: what its length can say. */
export const maxCiphertext = 65_535
/** The largest content of a record, in bytes. */
export const maxPlaintext = maxCiphertext - tagSize
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
  readonly nonce = new Uint8Array(12)
  readonly #interval: number
  #left: number

  constructor(key: Uint8Array, options: Options | undefined) {
    this.key = Uint8Array.from(key)
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

/** Makes records of what one side writes. */
export class Sealer {
  readonly #turn: Turn

  constructor(key: Uint8Array, options?: Options) {
    this.#turn = new Turn(key, options)
  }

  /**
   * The bytes of `chunks`, in order, as few records in one buffer. Nothing for nothing. Everything returned must be
   * sent, and in the order of the calls: the peer cannot open a record if one before it is missing.
   */
  seal(chunks: ReadonlyArray<Uint8Array>): Uint8Array {
    let left = 0
    for (let i = 0; i < chunks.length; i++) left += chunks[i]!.length
    const records = Math.ceil(left / maxPlaintext)
    const out = Buffer.allocUnsafe(left + records * (headerSize + tagSize))
    let at = 0
    let index = 0
    let from = 0
    while (left > 0) {
      const size = left < maxPlaintext ? left : maxPlaintext
      const body = at + headerSize
      const end = body + size + tagSize
      out[at] = (size + tagSize) >>> 8
      out[at + 1] = size + tagSize
      while (chunks[index]!.length === from) {
        index++
        from = 0
      }
      const chunk = chunks[index]!
      let plaintext: Uint8Array
      if (chunk.length - from >= size) {
        // One chunk fills the record: seal straight from it.
        plaintext = chunk.subarray(from, from + size)
        from += size
      } else {
        // Gather the pieces where the ciphertext will be and seal in place.
        plaintext = out.subarray(body, body + size)
        let filled = 0
        while (filled < size) {
          const piece = chunks[index]!
          const take = Math.min(piece.length - from, size - filled)
          plaintext.set(take === piece.length ? piece : piece.subarray(from, from + take), filled)
          filled += take
          from += take
          if (from === piece.length && filled < size) {
            index++
            from = 0
          }
        }
      }
      const turn = this.#turn
      sodium.crypto_aead_chacha20poly1305_ietf_encrypt(
        out.subarray(body, end),
        plaintext,
        null,
        null,
        turn.nonce,
        turn.key
      )
      turn.next()
      left -= size
      at = end
    }
    return out
  }
}

/** What a chunk of input brought: the contents of the records that it completed, and what was wrong after them. */
export interface Opened {
  /** In order, none empty; views of one buffer that nobody else holds. */
  readonly plaintext: Array<Uint8Array>
  readonly error?: RecordFailed
}

/** Opens the records of the other side. Owned by one reader. Holds at most one unfinished record, 64 KiB. */
export class Opener {
  readonly #turn: Turn
  #failed: RecordFailed | undefined
  /** The record that has begun: first its length alone, then a buffer of its size with `#received` bytes in place. */
  #partial: Uint8Array | undefined
  #received = 0
  #lengthByte = -1

  constructor(key: Uint8Array, options?: Options) {
    this.#turn = new Turn(key, options)
  }

  /** Takes the next bytes, cut anywhere. After the first `error` it is set for good and nothing more is opened. */
  feed(chunk: Uint8Array): Opened {
    const plaintext: Array<Uint8Array> = []
    if (this.#failed === undefined) {
      const at = this.#finishPartial(chunk, plaintext)
      if (this.#failed === undefined) this.#openWhole(chunk, at, plaintext)
    }
    return this.#failed === undefined ? { plaintext } : { plaintext, error: this.#failed }
  }

  /** What it means that the input ends here: nothing between records, a failure inside one. */
  end(): RecordFailed | undefined {
    if (this.#failed !== undefined) return this.#failed
    if (this.#partial !== undefined) return new RecordTruncated({ received: headerSize + this.#received })
    return this.#lengthByte < 0 ? undefined : new RecordTruncated({ received: 1 })
  }

  /** Completes the record that an earlier chunk began, as far as this chunk goes; gives back where the rest starts. */
  #finishPartial(chunk: Uint8Array, plaintext: Array<Uint8Array>): number {
    let at = 0
    if (this.#lengthByte >= 0 && chunk.length > 0) {
      const length = (this.#lengthByte << 8) | chunk[0]!
      this.#lengthByte = -1
      at = 1
      if (this.#refused(length)) return at
      this.#partial = Buffer.allocUnsafeSlow(length)
      this.#received = 0
    }
    const partial = this.#partial
    if (partial === undefined) return at
    const take = Math.min(partial.length - this.#received, chunk.length - at)
    partial.set(chunk.subarray(at, at + take), this.#received)
    this.#received += take
    if (this.#received === partial.length) {
      this.#partial = undefined
      const size = partial.length - tagSize
      const content = Buffer.allocUnsafe(size)
      if (this.#open(partial, content) && size > 0) plaintext.push(content)
    }
    return at + take
  }

  /** Opens the records that lie whole in the chunk from `at` on, into one buffer, and keeps what begins after them. */
  #openWhole(chunk: Uint8Array, start: number, plaintext: Array<Uint8Array>): void {
    let end = start
    let total = 0
    while (end + headerSize <= chunk.length) {
      const length = (chunk[end]! << 8) | chunk[end + 1]!
      // A length that is too short is found again, and refused, after the records before it are opened.
      if (length < tagSize || end + headerSize + length > chunk.length) break
      total += length - tagSize
      end += headerSize + length
    }
    const content = Buffer.allocUnsafe(total)
    let at = start
    let filled = 0
    while (at < end) {
      const length = (chunk[at]! << 8) | chunk[at + 1]!
      const size = length - tagSize
      const from = at + headerSize
      if (!this.#open(chunk.subarray(from, from + length), content.subarray(filled, filled + size))) break
      filled += size
      at = from + length
    }
    if (filled > 0) plaintext.push(filled === total ? content : content.subarray(0, filled))
    if (this.#failed === undefined) this.#keep(chunk, end)
  }

  #keep(chunk: Uint8Array, at: number): void {
    const left = chunk.length - at
    if (left === 0) return
    if (left === 1) {
      this.#lengthByte = chunk[at]!
      return
    }
    const length = (chunk[at]! << 8) | chunk[at + 1]!
    if (this.#refused(length)) return
    this.#partial = Buffer.allocUnsafeSlow(length)
    this.#partial.set(chunk.subarray(at + headerSize))
    this.#received = left - headerSize
  }

  #refused(length: number): boolean {
    if (length >= tagSize) return false
    this.#failed = new RecordMalformed({ length })
    return true
  }

  #open(ciphertext: Uint8Array, plaintext: Uint8Array): boolean {
    const turn = this.#turn
    try {
      sodium.crypto_aead_chacha20poly1305_ietf_decrypt(plaintext, null, ciphertext, null, turn.nonce, turn.key)
    } catch {
      this.#failed = new RecordForged({ length: ciphertext.length })
      return false
    }
    turn.next()
    return true
  }
}
