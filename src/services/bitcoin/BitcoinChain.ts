/** The headers of one Bitcoin network: those of any chain, by its rules. */
import type { BlockHeader } from "../../protocol/bitcoin/BlockHeader.ts"
import type { Fault } from "../../protocol/bitcoin/Misbehaviour.ts"
import type { HeaderChain } from "../chain/HeaderChain.ts"

export type BitcoinChain = HeaderChain<BlockHeader, Fault>
