/** SHA-256 of SHA-256: the checksum of messages, and the ids of blocks and transactions. */
import { hash } from "node:crypto"
import sodium from "sodium-native"

/** From so many bytes on, OpenSSL with the processor's own instructions makes up for what calling it costs. */
const large = 256

const digestInto = (digest: Uint8Array, bytes: Uint8Array): void => {
  if (bytes.length < large) sodium.crypto_hash_sha256(digest, bytes)
  else digest.set(hash("sha256", bytes, "buffer"))
  sodium.crypto_hash_sha256(digest, digest)
}

/** Kept, because a view that is made for each call costs about as much as hashing it. */
const scratch = new Uint8Array(32)

/** 32 bytes as they are on the wire; ids are displayed with their bytes reversed. */
export const sha256d = (bytes: Uint8Array): Uint8Array => {
  digestInto(scratch, bytes)
  return scratch.slice()
}

/** Of the `length` bytes at each of these places, which must be there; the digests one after the other. */
export const sha256dOf = (bytes: Uint8Array, starts: ReadonlyArray<number>, length: number): Uint8Array => {
  const digests = new Uint8Array(scratch.length * starts.length)
  for (const [index, start] of starts.entries()) {
    digestInto(scratch, bytes.subarray(start, start + length))
    digests.set(scratch, scratch.length * index)
  }
  return digests
}

/** Of no bytes, as they have many messages. */
const ofNothing = 0xe2e0_f65d

/** Its first four bytes as a number, the lowest first: what the header of a message has. */
export const checksum = (bytes: Uint8Array): number => {
  if (bytes.length === 0) return ofNothing
  digestInto(scratch, bytes)
  return (scratch[0]! | (scratch[1]! << 8) | (scratch[2]! << 16) | (scratch[3]! << 24)) >>> 0
}
