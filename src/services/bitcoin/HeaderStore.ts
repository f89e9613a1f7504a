/**
 * The headers of the best chain that is known of each network, by height. Branches beside it are not kept: a peer that has a
 * better one tells it again.
 */
import { Context, type Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { BlockHeader } from "../../protocol/bitcoin/BlockHeader.ts"
import type { Placed } from "../../protocol/chain/HeaderTree.ts"

export class HeaderStore extends Context.Service<
  HeaderStore,
  {
    /** The last headers, at most `limit`, in the order of their heights; none of a network that nothing is known of. */
    readonly tail: (network: string, limit: number) => Effect.Effect<ReadonlyArray<Placed<BlockHeader>>, SqlError>
    /** The greatest height at which one of these is; at most 10,000 ids. */
    readonly highest: (network: string, ids: ReadonlyArray<string>) => Effect.Effect<number | undefined, SqlError>
    /** At most `limit` headers above a height, in the order of their heights. */
    readonly above: (
      network: string,
      height: number,
      limit: number
    ) => Effect.Effect<ReadonlyArray<BlockHeader>, SqlError>
    /** The ids at these heights that there are, the highest first. */
    readonly ids: (network: string, heights: ReadonlyArray<number>) => Effect.Effect<ReadonlyArray<string>, SqlError>
    /**
     * Forgets what is above a height, -1 where there is nothing yet, and keeps these instead, which begin with the next one,
     * in one transaction. False, and nothing has changed, if the first of them does not follow what is kept: another process
     * has written meanwhile.
     */
    readonly replace: (
      network: string,
      above: number,
      headers: ReadonlyArray<Placed<BlockHeader>>
    ) => Effect.Effect<boolean, SqlError>
  }
>()("holdfast/services/bitcoin/HeaderStore") {}
