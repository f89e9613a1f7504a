/** The 80 bytes that are hashed: `version i32 | previous 32 | merkle root 32 | time u32 | bits u32 | nonce u32`. */
import * as Hash from "./Hash.ts"
import { PayloadReader } from "./PayloadReader.ts"
import { sha256d } from "./Sha256d.ts"

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

/** Reads 80 bytes; `undefined` if there are not so many. */
export const read = (reader: PayloadReader): BlockHeader | undefined => {
  const bytes = reader.bytes(size)
  if (bytes.length < size) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, size)
  return {
    id: Hash.display(sha256d(bytes)),
    version: view.getInt32(0, true),
    previous: Hash.display(bytes.subarray(4, 36)),
    merkleRoot: Hash.display(bytes.subarray(36, 68)),
    time: view.getUint32(68, true),
    bits: view.getUint32(72, true),
    nonce: view.getUint32(76, true)
  }
}

export const encode = (header: Omit<BlockHeader, "id">): Uint8Array => {
  const out = new Uint8Array(size)
  const view = new DataView(out.buffer)
  view.setInt32(0, header.version, true)
  out.set(Hash.wire(header.previous), 4)
  out.set(Hash.wire(header.merkleRoot), 36)
  view.setUint32(68, header.time, true)
  view.setUint32(72, header.bits, true)
  view.setUint32(76, header.nonce, true)
  return out
}

/** A header with the id that follows from its fields. */
export const identified = (header: Omit<BlockHeader, "id">): BlockHeader => ({
  ...header,
  id: Hash.display(sha256d(encode(header)))
})

/** The header of exactly 80 bytes. */
export const decode = (bytes: Uint8Array): BlockHeader | undefined => {
  const reader = new PayloadReader(bytes)
  return bytes.length === size ? read(reader) : undefined
}
