/**
 * Headers of native blocks (docs/PROTOCOL.md, 11.1), canonical and big-endian: `version u8 = 1 | height u32 | previous 32 |
 * payload 32 | time u64 | producer 32 | weight u32 | signature length u8, 0 or 64 | signature`.
 *
 * The id is the SHA-256 of all before the signature's length, which is also what is signed. Whether a header may come where it says
 * is in `NativeRules.ts`.
 */
import { Result } from "effect"
import type { NodeKey } from "../NodeKey.ts"
import * as NodeSecret from "../NodeSecret.ts"
import { ChainInvalid } from "./ChainInvalid.ts"
import * as Id from "./Id.ts"

export const version = 1
/** Bytes before the signature's length. */
export const unsignedSize = 113
export const signatureSize = 64
/** Bytes of a header with its signature. */
export const maxSize = unsignedSize + 1 + signatureSize

export interface Fields {
  /** The first block's is 0. */
  readonly height: number
  /** Id of the block before, zeros for the first one. */
  readonly previous: string
  /** SHA-256 of the encoded body, in hex. */
  readonly payload: string
  /** Milliseconds since 1970. */
  readonly time: number
  /** The node key of who has made it; where nobody has to sign, whatever that node says. */
  readonly producer: string
  readonly weight: number
}

export interface BlockHeader extends Fields {
  /** Computed from the other fields, the signature left out. */
  readonly id: string
  /** 64 bytes, Ed25519 by the producer over the bytes of which the id is the hash. */
  readonly signature: Uint8Array | undefined
}

/** Where the fields are. */
const place = { height: 1, previous: 5, payload: 37, time: 69, producer: 77, weight: 109 } as const

/** Times from 2^53 ms on are none: their upper 32 bits. */
const tooLate = 0x20_0000

const write = (out: Uint8Array, { height, payload, previous, producer, time, weight }: Fields): void => {
  const view = Id.viewOf(out)
  view[0] = version
  view.writeUInt32BE(height, place.height)
  view.write(previous, place.previous, "hex")
  view.write(payload, place.payload, "hex")
  view.writeBigUInt64BE(BigInt(time), place.time)
  view.write(producer, place.producer, "hex")
  view.writeUInt32BE(weight, place.weight)
}

/** What the id is the hash of, and what is signed. Throws for numbers that their fields cannot hold. */
export const signedBytes = (fields: Fields): Uint8Array => {
  const out = new Uint8Array(unsignedSize)
  write(out, fields)
  return out
}

/** A header with the id that follows from its fields. */
export const identified = (fields: Fields, signature?: Uint8Array): BlockHeader => ({
  ...fields,
  id: Id.sha256(signedBytes(fields)),
  signature
})

/** A header with its id and a signature, which `signer` makes of the bytes that it is given. */
export const signed = (fields: Fields, signer: (message: Uint8Array) => Uint8Array): BlockHeader =>
  identified(fields, signer(signedBytes(fields)))

/** Whether this node has signed it. Costs about a tenth of a millisecond. */
export const isSignedBy = (header: BlockHeader, key: NodeKey): boolean =>
  header.signature !== undefined && NodeSecret.verify(key, signedBytes(header), header.signature)

/** At most `maxSize` bytes. */
export const encode = (header: Omit<BlockHeader, "id">): Uint8Array => {
  const { signature } = header
  const out = new Uint8Array(signature === undefined ? unsignedSize + 1 : maxSize)
  write(out, header)
  if (signature !== undefined) {
    out[unsignedSize] = signatureSize
    out.set(signature, unsignedSize + 1)
  }
  return out
}

/** The encodings of headers, one after the other. */
export const encodeAll = (headers: ReadonlyArray<BlockHeader>): Uint8Array => Buffer.concat(headers.map(encode))

type Reason = ChainInvalid["reason"]

/** How many bytes the header has that begins at `at`, or what is wrong with it. */
const sizeAt = (bytes: Buffer, at: number): number | Reason => {
  const left = bytes.length - at
  if (left <= unsignedSize) return "truncated"
  if (bytes[at] !== version) return "version"
  const signature = bytes[at + unsignedSize]!
  if (signature !== 0 && signature !== signatureSize) return "signature-length"
  if (left < unsignedSize + 1 + signature) return "truncated"
  return bytes.readUInt32BE(at + place.time) >= tooLate ? "time" : unsignedSize + 1 + signature
}

/** The header of so many bytes at `at`, which are there. The signature is copied, so that it does not keep what came with it. */
const readAt = (bytes: Buffer, at: number, size: number): BlockHeader => ({
  id: Id.sha256(bytes.subarray(at, at + unsignedSize)),
  height: bytes.readUInt32BE(at + place.height),
  previous: Id.at(bytes, at + place.previous),
  payload: Id.at(bytes, at + place.payload),
  time: bytes.readUInt32BE(at + place.time) * 0x1_0000_0000 + bytes.readUInt32BE(at + place.time + 4),
  producer: Id.at(bytes, at + place.producer),
  weight: bytes.readUInt32BE(at + place.weight),
  signature: size === unsignedSize + 1 ? undefined : Uint8Array.from(bytes.subarray(at + unsignedSize + 1, at + size))
})

const invalid = (reason: Reason, detail: string): Result.Result<never, ChainInvalid> =>
  Result.fail(new ChainInvalid({ what: "header", reason, detail }))

/** Headers that lie one after the other and follow each other, at most so many; none of no bytes. */
export const decodeAll = (bytes: Uint8Array, most: number): Result.Result<ReadonlyArray<BlockHeader>, ChainInvalid> => {
  const view = Id.viewOf(bytes)
  const headers: Array<BlockHeader> = []
  let last: BlockHeader | undefined
  for (let at = 0; at < view.length;) {
    const count = headers.length
    if (count === most) return invalid("too-many", `there are more than ${most}`)
    const size = sizeAt(view, at)
    if (typeof size === "string") return invalid(size, `header ${count + 1}, at byte ${at} of ${view.length}`)
    const header = readAt(view, at, size)
    if (last !== undefined && (header.previous !== last.id || header.height !== last.height + 1)) {
      return invalid("unlinked", `header ${count + 1}, at height ${header.height}, does not follow the one before it`)
    }
    headers.push(header)
    last = header
    at += size
  }
  return Result.succeed(headers)
}

/** The header that these bytes are, no more and no less. */
export const decode = (bytes: Uint8Array): BlockHeader | undefined => {
  const view = Id.viewOf(bytes)
  const size = sizeAt(view, 0)
  return size === bytes.length ? readAt(view, 0, size) : undefined
}
