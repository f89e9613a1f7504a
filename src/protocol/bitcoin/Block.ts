/** `block`: a header and its transactions, which the header's merkle root commits to. */
import * as BlockHeader from "./BlockHeader.ts"
import * as Hash from "./Hash.ts"
import * as Payload from "./Payload.ts"
import { sha256d } from "./Sha256d.ts"
import * as Transaction from "./Transaction.ts"

export interface Block {
  readonly header: BlockHeader.BlockHeader
  readonly transactions: ReadonlyArray<Transaction.Transaction>
}

/** The least that a transaction takes. */
const transactionSize = 10
const noHeader: BlockHeader.BlockHeader = {
  id: Hash.zero,
  version: 0,
  previous: Hash.zero,
  merkleRoot: Hash.zero,
  time: 0,
  bits: 0,
  nonce: 0
}

export const block = Payload.make<Block>(
  "block",
  (reader) => ({
    header: BlockHeader.read(reader) ?? noHeader,
    transactions: reader.list("transactions", transactionSize, () => Transaction.read(reader))
  }),
  (writer, { header, transactions }) => {
    writer.bytes(BlockHeader.encode(header)).compactSize(transactions.length)
    for (const transaction of transactions) Transaction.write(writer, transaction)
  }
)

/** What follows the header in a `block` message, and what precedes it. */
export const bodyOf = (payload: Uint8Array): Uint8Array => payload.subarray(BlockHeader.size)
export const payloadOf = (header: Uint8Array, body: Uint8Array): Uint8Array => Buffer.concat([header, body])

/** The root of the tree over these ids, in their order: pairs are hashed, and an odd last one with itself. */
export const merkleRoot = (ids: ReadonlyArray<string>): string => {
  let level = ids.map(Hash.wire)
  while (level.length > 1) {
    const above: Array<Uint8Array> = []
    for (let at = 0; at < level.length; at += 2) {
      above.push(sha256d(Buffer.concat([level[at]!, level[at + 1] ?? level[at]!])))
    }
    level = above
  }
  return level[0] === undefined ? Hash.zero : Hash.display(level[0])
}

/**
 * What is wrong with the tree of a block, if anything. A tree in which two neighbours are the same has the root of the shorter one
 * without the repetition (CVE-2012-2459): it is refused whatever its root.
 */
export const wrongTree = ({ header, transactions }: Block): string | undefined => {
  if (transactions.length === 0) return "the block has no transactions"
  const ids = transactions.map(Transaction.idOf)
  if (new Set(ids).size < ids.length) return "the block has a transaction twice"
  const root = merkleRoot(ids)
  return root === header.merkleRoot ? undefined : `its transactions have the root ${root}, not ${header.merkleRoot}`
}
