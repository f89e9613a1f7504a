/** Where a node finds the blocks that it gives to others. */
import type { Effect } from "effect"
import type { Block } from "../../protocol/bitcoin/Block.ts"

/** The block of an id, as it is displayed, if it is there. */
export type BlockSource = (id: string) => Effect.Effect<Block | undefined>
