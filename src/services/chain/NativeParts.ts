/** What the native chain is put together from, by name: the parts that any chain has, with its headers and its rules. */
import type { BlockHeader } from "../../protocol/chain/BlockHeader.ts"
import type { ChainRules } from "../../protocol/chain/ChainRules.ts"
import type { Fault } from "../../protocol/chain/NativeRules.ts"
import type { BlockSync } from "./BlockSync.ts"
import type { HeaderChain } from "./HeaderChain.ts"
import type { HeaderSync } from "./HeaderSync.ts"

export type NativeRules = ChainRules<BlockHeader, Fault>
export type NativeChain = HeaderChain<BlockHeader, Fault>
export type NativeHeaders = HeaderSync<BlockHeader, Fault>
export type NativeBlocks = BlockSync<BlockHeader, Fault>
