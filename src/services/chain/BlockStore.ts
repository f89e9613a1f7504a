/**
 * The blocks that have been applied, of each chain, by height: from the first one, at height 0, to the tip without a gap. Blocks
 * that have been taken back are forgotten.
 *
 * Headers and ids stay as long as their blocks are applied; bodies may be pruned, the lowest first. What a block says, and
 * whether it is valid, was asked before it comes here. Every effect fails with `SqlError`; a call that breaks the rules of
 * `misfit` is a defect.
 */
import { Context, type Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"

export interface StoredBlock {
  /** 64 lower-case hex digits. */
  readonly id: string
  readonly height: number
  /** As the chain encodes it: 1 to 256 bytes. */
  readonly header: Uint8Array
  /** May be empty. How long it may be is the chain's to say. */
  readonly body: Uint8Array
}

/** As it is read again: without a body where that was pruned. */
export interface KeptBlock extends Omit<StoredBlock, "body"> {
  readonly body: Uint8Array | undefined
}

export class BlockStore extends Context.Service<
  BlockStore,
  {
    /** The block that was applied last; nothing where none is. */
    readonly tip: (
      chain: string
    ) => Effect.Effect<{ readonly id: string; readonly height: number } | undefined, SqlError>
    /**
     * Forgets the blocks above a height, and keeps these instead, which begin with the next one, in one transaction, or in the
     * one that is open. Without blocks the one at this height is the tip, or nothing if the height is -1. `tip` is the id of the
     * block that is the tip until then; nothing, and the height -1, where none is. False, and nothing has changed, if another
     * one is the tip, which another process has applied, unless it is the last of these already.
     *
     * Two that replace at once come one after the other, also where the chain has no block yet.
     */
    readonly replace: (
      chain: string,
      tip: string | undefined,
      above: number,
      blocks: ReadonlyArray<StoredBlock>
    ) => Effect.Effect<boolean, SqlError>
    /**
     * The blocks above a height, in the order of their heights and without a gap: at most `limit`, and as many as have `mostBytes`
     * of bodies together, or the first of them if that alone has more.
     */
    readonly above: (
      chain: string,
      height: number,
      limit: number,
      mostBytes: number
    ) => Effect.Effect<ReadonlyArray<KeptBlock>, SqlError>
    /**
     * The bodies of these blocks, at most 1,024, in the same order; nothing in the place of one that is not applied or was pruned.
     * They end before the body with which they have more than `mostBytes` together, but have one if there is any: fewer than the
     * ids were too large, and the rest is to be asked for anew.
     */
    readonly bodies: (
      chain: string,
      ids: ReadonlyArray<string>,
      mostBytes: number
    ) => Effect.Effect<ReadonlyArray<Uint8Array | undefined>, SqlError>
    /** The ids at these heights, at most 10,000, that there are, the highest first. */
    readonly ids: (
      chain: string,
      heights: ReadonlyArray<number>
    ) => Effect.Effect<ReadonlyArray<{ readonly height: number; readonly id: string }>, SqlError>
    /** Takes away the bodies of at most `limit` blocks below a height, the lowest first; returns how many it took. */
    readonly prune: (chain: string, below: number, limit: number) => Effect.Effect<number, SqlError>
  }
>()("holdfast/services/chain/BlockStore") {}

const idPattern = /^[0-9a-f]{64}$/

/** How these blocks cannot follow the one at height `above` of a chain whose tip is at `last`, or -1: a fault of the caller. */
export const misfit = (last: number, above: number, blocks: ReadonlyArray<StoredBlock>): string | undefined => {
  if (!Number.isSafeInteger(above) || above < -1 || above > last) {
    return `nothing follows the height ${above} of a chain whose tip is at ${last}`
  }
  for (const [at, { header, height, id }] of blocks.entries()) {
    if (height !== above + 1 + at) return `the block at ${above + 1 + at} says that it is at ${height}`
    if (!idPattern.test(id)) return `the block at ${height} has no id of 64 lower-case hex digits`
    if (header.length < 1 || header.length > 256) return `the header at ${height} has ${header.length} bytes`
  }
  return undefined
}
