/** Headers of a regtest chain, with the little work that it asks for: the same ones in every run. */
import * as BlockHeader from "../../src/protocol/bitcoin/BlockHeader.ts"
import type { Network } from "../../src/protocol/bitcoin/Network.ts"

export interface Mining {
  readonly network: Network
  /** Seconds between two blocks. */
  readonly every?: number
  /** Tells branches of the same length apart. */
  readonly branch?: number
  readonly bits?: number
}

/** One header after another. */
export const next = (previous: BlockHeader.BlockHeader, mining: Mining): BlockHeader.BlockHeader => {
  const { bits = previous.bits, branch = 0, every = 600, network } = mining
  for (let nonce = 0; ; nonce++) {
    const header = BlockHeader.identified({
      version: 4,
      previous: previous.id,
      merkleRoot: branch.toString(16).padStart(64, "0"),
      time: previous.time + every,
      bits,
      nonce
    })
    if (network.proofOfWork(header) === undefined) return header
  }
}

/** So many headers after another. */
export const chain = (
  after: BlockHeader.BlockHeader,
  count: number,
  mining: Mining
): Array<BlockHeader.BlockHeader> => {
  const out: Array<BlockHeader.BlockHeader> = []
  for (let last = after; out.length < count; out.push(last)) last = next(last, mining)
  return out
}
