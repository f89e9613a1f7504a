/**
 * What a program makes of the blocks of its chain, in the transaction in which each becomes part of it.
 */
import { type Effect, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Held } from "../../protocol/chain/BlockWindow.ts"
import type { Linked } from "../../protocol/chain/HeaderTree.ts"

/**
 * A block cannot be applied, whoever gave it: the chain stops before it, says so, and tries again, until a better branch comes or
 * the program that refuses it is mended. Every node must refuse the same ones.
 */
export class BlockRefused extends Schema.TaggedError<BlockRefused>()("BlockRefused", {
  height: Schema.Int,
  id: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `block ${this.id} at height ${this.height} is refused: ${this.reason}`
  }
}

/** Both run inside the transaction that moves the tip, once for each block of the best chain, in its order. */
export interface Ledger<H extends Linked, R = never> {
  readonly apply: (block: Held<H>) => Effect.Effect<void, BlockRefused | SqlError, R>
  /** Takes back what `apply` did, the highest block first, when another branch is better. */
  readonly undo: (block: Held<H>) => Effect.Effect<void, SqlError, R>
}
