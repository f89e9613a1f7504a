/**
 * `merkleblock`: a header, and as much of the tree over the transactions of its block as proves that some of them are in it
 * (BIP 37).
 */
import type { Block } from "./Block.ts"
import * as BlockHeader from "./BlockHeader.ts"
import * as Hash from "./Hash.ts"
import * as Payload from "./Payload.ts"
import { sha256d } from "./Sha256d.ts"

export interface MerkleBlock {
  readonly header: BlockHeader.BlockHeader
  /** Transactions of the whole block. */
  readonly transactions: number
  /** Hashes of the tree, from the root down and from the left, as they are met. */
  readonly hashes: ReadonlyArray<string>
  /** A bit for each place that is met, the lowest first: whether it leads to one that is proven. */
  readonly flags: Uint8Array
}

/** Of a message that ends before it has one. */
const nothing = { version: 0, previous: Hash.zero, merkleRoot: Hash.zero, time: 0, bits: 0, nonce: 0 }

export const merkleblock = Payload.make<MerkleBlock>(
  "merkleblock",
  (reader) => ({
    header: BlockHeader.read(reader) ?? BlockHeader.identified(nothing),
    transactions: reader.u32(),
    hashes: reader.list("hashes", 32, () => Hash.display(reader.bytes(32))),
    flags: reader.sized("the flags", reader.left)
  }),
  (writer, { flags, hashes, header, transactions }) => {
    writer.bytes(BlockHeader.encode(header)).u32(transactions).compactSize(hashes.length)
    for (const hash of hashes) writer.bytes(Hash.wire(hash))
    writer.sized(flags)
  }
)

/** All levels of the tree, the ids first. */
const levelsOf = (ids: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<Uint8Array>> => {
  const levels = [ids.map(Hash.wire)]
  for (let level = levels[0]!; level.length > 1; levels.push(level)) {
    const below = level
    level = Array.from({ length: Math.ceil(below.length / 2) }, (_, n) =>
      sha256d(Buffer.concat([below[2 * n]!, below[2 * n + 1] ?? below[2 * n]!]))
    )
  }
  return levels
}

const packed = (bits: ReadonlyArray<boolean>): Uint8Array => {
  const out = new Uint8Array(Math.ceil(bits.length / 8))
  bits.forEach((bit, n) => {
    if (bit) out[n >>> 3]! |= 1 << (n & 7)
  })
  return out
}

/** Proves those transactions of a block, by their ids in its order, of which `isProven` holds. */
export const prove = (
  { header }: Pick<Block, "header">,
  ids: ReadonlyArray<string>,
  isProven: ReadonlyArray<boolean>
): MerkleBlock => {
  const levels = levelsOf(ids)
  const bits: Array<boolean> = []
  const hashes: Array<string> = []
  const walk = (level: number, place: number): void => {
    const leads = isProven.slice(place << level, (place + 1) << level).includes(true)
    bits.push(leads)
    if (level === 0 || !leads) return void hashes.push(Hash.display(levels[level]![place]!))
    walk(level - 1, 2 * place)
    if (2 * place + 1 < levels[level - 1]!.length) walk(level - 1, 2 * place + 1)
  }
  walk(levels.length - 1, 0)
  return { header, transactions: ids.length, hashes, flags: packed(bits) }
}
