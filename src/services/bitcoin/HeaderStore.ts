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
     * Forgets what is above a height, and keeps these instead, which begin with the next one, in one transaction. `tip` is the id
     * of the last header that is kept until then; nothing, and the height -1, where none is. False, and nothing has changed, if
     * another one is the last, which another process has written, unless it is the last of these already.
     */
    readonly replace: (
      network: string,
      tip: string | undefined,
      above: number,
      headers: ReadonlyArray<Placed<BlockHeader>>
    ) => Effect.Effect<boolean, SqlError>
  }
>()("holdfast/services/bitcoin/HeaderStore") {}
