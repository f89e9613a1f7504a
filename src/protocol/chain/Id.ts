/**
 * Ids of native blocks, and the hashes in their headers: 32 bytes on the wire, 64 lower-case hex digits in memory, in the same
 * order (docs/PROTOCOL.md, 11).
 */
import { Schema, SchemaGetter } from "effect"
import { Hex } from "effect/encoding"
import sodium from "sodium-native"

/** Bytes of one. */
export const size = 32

/** 32 bytes of zeros: no block, as the parent of the first one. */
export const zero = "0".repeat(2 * size)

/** The text of the 32 bytes that begin at `at`, which must be there. */
export const at = (bytes: Buffer, at: number): string => bytes.toString("hex", at, at + size)

/** A view of bytes for `at`. */
export const viewOf = ({ buffer, byteLength, byteOffset }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength)

/** Kept, because a view that is made for each call costs about as much as hashing it. */
const scratch = new Uint8Array(size)
const scratchView = viewOf(scratch)

/** The text of the SHA-256 of these bytes. */
export const sha256 = (bytes: Uint8Array): string => {
  sodium.crypto_hash_sha256(scratch, bytes)
  return at(scratchView, 0)
}

/** The bytes of ids, one after the other. */
export const join = (ids: ReadonlyArray<string>): Uint8Array => {
  const out = new Uint8Array(size * ids.length)
  const view = viewOf(out)
  for (const [index, id] of ids.entries()) view.write(id, index * size, "hex")
  return out
}

/** The ids whose bytes come one after the other, as many as there are whole. */
export const split = (bytes: Uint8Array): ReadonlyArray<string> => {
  const view = viewOf(bytes)
  return Array.from({ length: Math.floor(bytes.length / size) }, (_, index) => at(view, index * size))
}

const Bytes = Schema.Uint8Array.check(Schema.isMinLength(size), Schema.isMaxLength(size))
const Text = Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/, { message: "an id is 64 lower-case hex digits" }))

/** An id: text in memory, 32 bytes on the wire. */
export const Id = Bytes.pipe(
  Schema.decodeTo(Text, {
    decode: SchemaGetter.transform((bytes: Uint8Array): string => Hex.encode(bytes)),
    encode: SchemaGetter.transform((id: string): Uint8Array => join([id]))
  })
)
