/**
 * The headers of the best chain that is known of each chain, by height, as bytes that only the chain's rules can read. Branches
 * beside it are not kept: a peer that has a better one tells it again.
 */
import { Context, type Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"

export interface StoredHeader {
  /** 64 lower-case hex digits. */
  readonly id: string
  readonly height: number
  /** The header, in 1 to 256 bytes. */
  readonly bytes: Uint8Array
  /** Of this header and all before it, below 2^256. */
  readonly weight: bigint
}

/** A chain is named by its rules (`ChainRules`). */
export class HeaderStore extends Context.Service<
  HeaderStore,
  {
    /** The last headers, at most `limit`, in the order of their heights; none of a chain that nothing is known of. */
    readonly tail: (chain: string, limit: number) => Effect.Effect<ReadonlyArray<StoredHeader>, SqlError>
    /** The greatest height at which one of these is; at most 10,000 ids. */
    readonly highest: (chain: string, ids: ReadonlyArray<string>) => Effect.Effect<number | undefined, SqlError>
    /** At most `limit` headers above a height, in the order of their heights. */
    readonly above: (
      chain: string,
      height: number,
      limit: number
    ) => Effect.Effect<ReadonlyArray<StoredHeader>, SqlError>
    /** The ids at these heights that there are, the highest first. */
    readonly ids: (chain: string, heights: ReadonlyArray<number>) => Effect.Effect<ReadonlyArray<string>, SqlError>
    /**
     * Forgets what is above a height, and keeps these instead, which begin with the next one, in one transaction, or in that which is
     * open. `tip` is the id of the last header that is kept until then; nothing, and the height -1, where none is. False, and nothing
     * has changed, if another one is the last, which another process has written, unless it is the last of these already.
     */
    readonly replace: (
      chain: string,
      tip: string | undefined,
      above: number,
      headers: ReadonlyArray<StoredHeader>
    ) => Effect.Effect<boolean, SqlError>
  }
>()("holdfast/services/chain/HeaderStore") {}
