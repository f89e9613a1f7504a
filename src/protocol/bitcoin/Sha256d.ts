/** SHA-256 of SHA-256: the checksum of messages, and the ids of blocks and transactions. */
import { hash } from "node:crypto"
import sodium from "sodium-native"

/** From so many bytes on, OpenSSL with the processor's own instructions makes up for what calling it costs. */
const large = 256

/** 32 bytes as they are on the wire; ids are displayed with their bytes reversed. */
export const sha256d = (bytes: Uint8Array): Uint8Array => {
  const digest = new Uint8Array(32)
  if (bytes.length < large) sodium.crypto_hash_sha256(digest, bytes)
  else digest.set(hash("sha256", bytes, "buffer"))
  sodium.crypto_hash_sha256(digest, digest)
  return digest
}
