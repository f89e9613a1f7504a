/**
 * Headers of BSV's regtest that follow each other and have their proof of work, always the same ones: what a batch of
 * `headers` holds whose target is easy enough to be mined on the spot.
 */
import * as BlockHeader from "../../src/protocol/bitcoin/BlockHeader.ts"
import * as Hash from "../../src/protocol/bitcoin/Hash.ts"
import * as ProofOfWork from "../../src/protocol/bitcoin/ProofOfWork.ts"
import { sha256d } from "../../src/protocol/bitcoin/Sha256d.ts"

/** Bits of regtest: every second header has this work. */
const bits = 0x207f_ffff
/** When regtest began, in seconds since 1970. */
const began = 1_296_688_602

const check = ProofOfWork.sha256d(ProofOfWork.regtestLimit)

const mined = (previous: string, height: number): BlockHeader.BlockHeader => {
  const merkleRoot = Hash.display(sha256d(Buffer.from(`the transactions of block ${height}`)))
  for (let nonce = 0; ; nonce++) {
    const header = { version: 0x2000_0000, previous, merkleRoot, time: began + 600 * height, bits, nonce }
    const id = Hash.display(sha256d(BlockHeader.encode(header)))
    if (check({ bits, id }) === undefined) return { ...header, id }
  }
}

/** So many, the first of which follows `genesis`. */
export const minedChain = (genesis: string, length: number): ReadonlyArray<BlockHeader.BlockHeader> => {
  const chain: Array<BlockHeader.BlockHeader> = []
  for (let height = 1; height <= length; height++) chain.push(mined(chain.at(-1)?.id ?? genesis, height))
  return chain
}
