/** Bitcoin headers as the store has them. */
import * as BlockHeader from "../../src/protocol/bitcoin/BlockHeader.ts"
import type { StoredHeader } from "../../src/services/chain/HeaderStore.ts"

/** These, one after the other from a height on, of which each weighs so much. */
export const stored = (
  headers: ReadonlyArray<BlockHeader.BlockHeader>,
  from = 0,
  each = 2n
): ReadonlyArray<StoredHeader> =>
  headers.map((header, at) => ({
    id: header.id,
    height: from + at,
    bytes: BlockHeader.encode(header),
    weight: each * BigInt(from + at)
  }))
