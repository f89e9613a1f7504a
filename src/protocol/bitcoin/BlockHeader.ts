/** The 80 bytes that are hashed: `version i32 | previous 32 | merkle root 32 | time u32 | bits u32 | nonce u32`. */
import * as Hash from "./Hash.ts"
import type { PayloadReader } from "./PayloadReader.ts"
import { sha256d, sha256dOf } from "./Sha256d.ts"

export const size = 80

export interface BlockHeader {
  /** Id of the block, computed from the other fields. */
  readonly id: string
  readonly version: number
  /** Id of the block before, zeros for the first one. */
  readonly previous: string
  readonly merkleRoot: string
  /** Seconds since 1970. */
  readonly time: number
  /** The target of its proof of work, packed (`ProofOfWork.ts`). */
  readonly bits: number
  readonly nonce: number
}

/** Where the fields are. */
const place = { previous: 4, merkleRoot: 36, time: 68, bits: 72, nonce: 76 } as const

/** Those that begin at these places of `bytes`, which must be there whole. */
export const readAll = (bytes: Uint8Array, starts: ReadonlyArray<number>): ReadonlyArray<BlockHeader> => {
  const view = Hash.viewOf(bytes)
  const count = starts.length
  const ids = Hash.displayAll(Hash.viewOf(sha256dOf(bytes, starts, size)), count, (index) => index * Hash.size)
  const roots = Hash.displayAll(view, count, (index) => starts[index]! + place.merkleRoot)
  const parents = Hash.displayAll(view, count, (index) => starts[index]! + place.previous)
  return starts.map((at, index) => ({
    id: ids[index]!,
    version: view.getInt32(at, true),
    previous: parents[index]!,
    merkleRoot: roots[index]!,
    time: view.getUint32(at + place.time, true),
    bits: view.getUint32(at + place.bits, true),
    nonce: view.getUint32(at + place.nonce, true)
  }))
}

/** Reads 80 bytes; `undefined` if there are not so many. */
export const read = (reader: PayloadReader): BlockHeader | undefined => {
  const bytes = reader.bytes(size)
  return bytes.length < size ? undefined : readAll(bytes, [0])[0]
}

export const encode = (header: Omit<BlockHeader, "id">): Uint8Array => {
  const out = new Uint8Array(size)
  const view = new DataView(out.buffer)
  view.setInt32(0, header.version, true)
  out.set(Hash.wire(header.previous), place.previous)
  out.set(Hash.wire(header.merkleRoot), place.merkleRoot)
  view.setUint32(place.time, header.time, true)
  view.setUint32(place.bits, header.bits, true)
  view.setUint32(place.nonce, header.nonce, true)
  return out
}

/** A header with the id that follows from its fields. */
export const identified = (header: Omit<BlockHeader, "id">): BlockHeader => ({
  ...header,
  id: Hash.display(sha256d(encode(header)))
})

/** The header of exactly 80 bytes. */
export const decode = (bytes: Uint8Array): BlockHeader | undefined =>
  bytes.length === size ? readAll(bytes, [0])[0] : undefined
