/**
 * HKDF as Noise uses it: HMAC-BLAKE2b-512, two outputs (Noise revision 34, 4.3).
 *
 * The handshake library has the same function at two and a half times the cost, all of it buffers. This one works in
 * one piece of memory that is wiped before it returns. Plain and synchronous, so nothing runs in between.
 */
import sodium from "sodium-native"

/** Bytes in a chaining key and in an output that is not cut short. */
export const hashSize = 64
/** Bytes in a block of BLAKE2b, to which HMAC pads its key. */
const blockSize = 128

const innerSize = blockSize + hashSize + 1
const outerSize = blockSize + hashSize
const outerAt = Math.ceil(innerSize / 4) * 4
const memory = new ArrayBuffer(outerAt + outerSize + hashSize)
const all = new Uint8Array(memory)
/** What the inner hash of HMAC covers: the padded key, then the message. */
const inner = new Uint8Array(memory, 0, innerSize)
const innerOne = inner.subarray(0, blockSize + 1)
const innerWords = new Uint32Array(memory, 0, hashSize / 4)
/** What the outer hash covers: the padded key, then the inner hash. */
const outer = new Uint8Array(memory, outerAt, outerSize)
const outerWords = new Uint32Array(memory, outerAt, hashSize / 4)
const innerHash = outer.subarray(blockSize)
const result = new Uint8Array(memory, outerAt + outerSize, hashSize)

/** Makes a key of 64 bytes the key of the HMACs that follow. */
const useKey = (key: Uint8Array): void => {
  inner.set(key)
  for (let i = 0; i < innerWords.length; i++) {
    const word = innerWords[i]!
    innerWords[i] = word ^ 0x36363636
    outerWords[i] = word ^ 0x5c5c5c5c
  }
}

/** Leaves in `result` the HMAC of the message that follows the key in `covered`, a part of `inner`. */
const hmac = (covered: Uint8Array): void => {
  sodium.crypto_generichash(innerHash, covered)
  sodium.crypto_generichash(result, outer)
}

/**
 * Fills `first` and `second`, each with as many bytes of its output as it has room for, at most 64. The chaining key
 * has 64 bytes and the material at most 64; `first` may be the chaining key itself.
 */
export const hkdf = (chainingKey: Uint8Array, material: Uint8Array, first: Uint8Array, second: Uint8Array): void => {
  inner.fill(0x36, hashSize, blockSize)
  outer.fill(0x5c, hashSize, blockSize)
  useKey(chainingKey)
  inner.set(material, blockSize)
  hmac(inner.subarray(0, blockSize + material.length))

  useKey(result)
  inner[blockSize] = 1
  hmac(innerOne)
  first.set(first.length === hashSize ? result : result.subarray(0, first.length))

  inner.set(result, blockSize)
  inner[blockSize + hashSize] = 2
  hmac(inner)
  second.set(second.length === hashSize ? result : result.subarray(0, second.length))
  sodium.sodium_memzero(all)
}
