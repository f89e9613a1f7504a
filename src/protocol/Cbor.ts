/**
 * Bodies on the wire: CBOR (RFC 8949), decoded by a Schema before anything looks at them.
 *
 * Malformed bytes and values of the wrong shape are one typed failure, `BodyInvalid`; decoding never throws. Encoding
 * throws for a value outside of its schema's limits: that is a bug of the caller.
 */
import { Encoder } from "cbor-x"
import { Result, Schema, SchemaGetter } from "effect"
import { Hex } from "effect/encoding"
import * as CborScan from "./CborScan.ts"

const cbor = new Encoder({ useRecords: false, mapsAsObjects: true, tagUint8Array: false, variableMapSize: true })

/** A body that is not CBOR, or not of the shape that its kind requires. */
export class BodyInvalid extends Schema.TaggedError<BodyInvalid>()("BodyInvalid", {
  what: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.what} is not readable: ${this.detail}`
  }
}

/** A schema whose encoded form is CBOR bytes. Decoded byte strings may be views of the bytes they came in. */
export interface Codec<A> {
  readonly encode: (value: A) => Uint8Array
  readonly decode: (bytes: Uint8Array) => Result.Result<A, BodyInvalid>
}

const excerpt = (text: string): string => (text.length > 300 ? `${text.slice(0, 300)}…` : text)

/** The codec of `schema`; `what` names the body in errors. */
export const codec = <A, I>(what: string, schema: Schema.Codec<A, I>): Codec<A> => {
  const encodeValue = Schema.encodeSync(schema)
  const decodeValue = Schema.decodeUnknownResult(schema)
  return {
    encode: (value) => cbor.encode(encodeValue(value)),
    decode: (bytes) => {
      const objection = CborScan.objection(bytes)
      if (objection !== undefined) return Result.fail(new BodyInvalid({ what, detail: objection }))
      let raw: unknown
      try {
        raw = cbor.decode(bytes)
      } catch (cause) {
        return Result.fail(new BodyInvalid({ what, detail: excerpt(String(cause)) }))
      }
      const decoded = decodeValue(raw)
      return Result.isSuccess(decoded)
        ? Result.succeed(decoded.success)
        : Result.fail(new BodyInvalid({ what, detail: excerpt(decoded.failure.message) }))
    }
  }
}

const unsigned = (bits: 63 | 64) =>
  Schema.Union([Schema.BigInt, Schema.Natural]).pipe(
    Schema.decodeTo(
      Schema.BigInt.check(
        Schema.isBetweenBigInt(
          { minimum: 0n, maximum: 2n ** BigInt(bits) - 1n },
          { message: `an unsigned ${bits}-bit integer` }
        )
      ),
      {
        decode: SchemaGetter.transform((n: number | bigint) => BigInt(n)),
        encode: SchemaGetter.transform((n: bigint): number | bigint => (n <= 0xffff_ffffn ? Number(n) : n))
      }
    )
  )

/** An unsigned 64-bit integer: `bigint` in memory, a CBOR integer of any width on the wire. */
export const U64 = unsigned(64)

/** A number that a database holds in its signed 64 bits; on the wire as `U64`. */
export const U63 = unsigned(63)

/**
 * Text of at most `limit` UTF-16 units. Half of a surrogate pair has no UTF-8 form and leaves as U+FFFD, one unit for
 * one unit, so that no text within the limit can arrive outside of it.
 */
export const text = (limit: number) =>
  Schema.String.pipe(
    Schema.decodeTo(Schema.String.check(Schema.isMaxLength(limit)), {
      decode: SchemaGetter.passthrough(),
      encode: SchemaGetter.transform((value: string) => value.toWellFormed())
    })
  )

const bytes16 = Schema.Uint8Array.check(
  Schema.makeFilter((bytes: Uint8Array) => bytes.length === 16, { message: "16 bytes" })
)
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const dashed = (hex: string): string =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`

/** The value of a hex digit, by the code of its character. */
const digit = (code: number): number => (code <= 0x39 ? code - 0x30 : code - 0x57)

/** The bytes of a UUID, of which every message carries one at least: read in place, without a text in between. */
const undashed = (text: string): Uint8Array => {
  const bytes = new Uint8Array(16)
  for (let i = 0, at = 0; i < 16; i++, at += 2) {
    if (i === 4 || i === 6 || i === 8 || i === 10) at++
    bytes[i] = (digit(text.charCodeAt(at)) << 4) | digit(text.charCodeAt(at + 1))
  }
  return bytes
}

/** A UUID in its usual text. */
export const UuidText = Schema.String.check(Schema.isPattern(uuidPattern, { message: "a UUID in lower-case hex" }))

/** A UUID: text in memory, 16 bytes on the wire. */
export const Uuid = bytes16.pipe(
  Schema.decodeTo(UuidText, {
    decode: SchemaGetter.transform((bytes: Uint8Array) => dashed(Hex.encode(bytes))),
    encode: SchemaGetter.transform(undashed)
  })
)
