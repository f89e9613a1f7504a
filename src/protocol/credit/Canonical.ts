/**
 * The one form of a value that is hashed and signed: its JSON by RFC 8785, in UTF-8.
 *
 * Whoever hashes a value encodes it by its Schema first, so that amounts are texts and nothing is left out by accident.
 * Fields that are `undefined` are not there.
 */
import canonicalize from "canonicalize"
import { Schema } from "effect"
import { Base64Url } from "effect/encoding"
import sodium from "sodium-native"

/** SHA-256 of a canonical form, in base64url without padding: 43 characters. */
export const Digest = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/, { message: "a digest is 43 characters of base64url" })
).pipe(Schema.brand("Digest"))
export type Digest = typeof Digest.Type

const utf8 = new TextEncoder()

/** The canonical form of a JSON value. Anything that has none, such as `NaN` or half of a surrogate pair, throws. */
export const canonical = (json: unknown): string => {
  const text = canonicalize(json)
  if (text === undefined) throw new TypeError(`a ${typeof json} has no JSON`)
  return text
}

/** The digest of a JSON value. */
export const digestOf = (json: unknown): Digest => {
  const hash = new Uint8Array(32)
  sodium.crypto_hash_sha256(hash, utf8.encode(canonical(json)))
  return Digest.make(Base64Url.encode(hash))
}

/**
 * Digests of values by their schema. A value is hashed once, however often it is asked for, so it must not be changed; one outside of
 * its schema throws.
 */
export const digestBy = <A extends object, I>(schema: Schema.Codec<A, I>): ((value: A) => Digest) => {
  const encode = Schema.encodeSync(schema)
  const known = new WeakMap<A, Digest>()
  return (value) => {
    const before = known.get(value)
    if (before !== undefined) return before
    const digest = digestOf(encode(value))
    known.set(value, digest)
    return digest
  }
}
