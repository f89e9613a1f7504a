/** The chain of a Bitcoin network, as those who keep and fetch headers of any chain want it. */
import type { ChainRules } from "../chain/ChainRules.ts"
import * as BlockHeader from "./BlockHeader.ts"
import * as HeaderRules from "./HeaderRules.ts"
import * as Headers from "./Headers.ts"
import type { Fault } from "./Misbehaviour.ts"
import type { Network } from "./Network.ts"
import * as ProofOfWork from "./ProofOfWork.ts"

/** Headers kept in memory, and how deep a branch may begin: all that the rules look at, and a month. */
const depth = 2 * HeaderRules.depthNeeded

/** The work of bits, which hardly ever change. */
const workBy = () => {
  let known = { bits: -1, work: 0n }
  return ({ bits }: BlockHeader.BlockHeader): bigint => {
    if (bits !== known.bits) known = { bits, work: ProofOfWork.work(bits) }
    return known.work
  }
}

/** Of two tips with equal work the one that came first is kept. */
export const of = (network: Network): ChainRules<BlockHeader.BlockHeader, Fault> => ({
  name: network.name,
  genesis: network.first,
  // Nobody asks for it, and every node has it in its program.
  genesisBody: new Uint8Array(),
  page: Headers.mostHeaders,
  atOnce: 500,
  depth,
  mostBeside: 20_000,
  prefers: () => false,
  weight: workBy(),
  encode: BlockHeader.encode,
  decode: BlockHeader.decode,
  objection: (tree, parent, header, nowMillis) =>
    HeaderRules.objection(network, tree, parent, header, Math.floor(nowMillis / 1_000))
})
