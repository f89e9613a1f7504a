/**
 * The peers a node knows: where each was last reached, and which of them it wants to be connected to.
 *
 * Addresses and the last success are kept; failure counts are not, so that a restart begins afresh.
 */
import { Context, type Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Endpoint } from "../../protocol/Address.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"

/** How an address became known; a better source is not overwritten by a lesser one. Best first. */
export const sources = ["configured", "verified", "advertised"] as const
export type Source = (typeof sources)[number]

export interface BookEntry {
  readonly peer: NodeKey
  /** The best address known, if any. */
  readonly endpoint: Endpoint | undefined
  readonly source: Source | undefined
  /** Another one, of a lesser source. Only `find` tells it, and only until the node stops. */
  readonly alternative?: Endpoint
  /** An operator or the configuration asked to stay connected. */
  readonly wanted: boolean
  readonly lastConnectedAt: number | undefined
}

/**
 * How many peers that are not wanted a book keeps, because anybody can make up keys. Beyond it, noting a new one forgets
 * those of them that were connected longest ago; never one that something is owed to.
 */
export const StrangersKept = Context.Reference<number>("holdfast/services/link/PeerBook/StrangersKept", {
  defaultValue: () => 10_000
})

export class PeerBook extends Context.Service<
  PeerBook,
  {
    readonly find: (peer: NodeKey) => Effect.Effect<BookEntry | undefined, SqlError>
    /** At most `limit` entries, in the order of their keys. */
    readonly list: (limit: number) => Effect.Effect<ReadonlyArray<BookEntry>, SqlError>
    /** At most `limit` wanted peers, in the order of their keys. */
    readonly wanted: (limit: number) => Effect.Effect<ReadonlyArray<BookEntry>, SqlError>
    /** Wants the peer from now on, at this address if one is given. */
    readonly want: (peer: NodeKey, endpoint: Endpoint | undefined) => Effect.Effect<void, SqlError>
    /** No longer wants the peer; what is known of it stays. */
    readonly unwant: (peer: NodeKey) => Effect.Effect<void, SqlError>
    /** Notes an address; if a better source has given one, as an alternative to that. A new peer may push out others: `StrangersKept`. */
    readonly learn: (peer: NodeKey, endpoint: Endpoint, source: Source) => Effect.Effect<void, SqlError>
    /** A session with the peer became live. A new peer may push out others: `StrangersKept`. */
    readonly connected: (peer: NodeKey, now: number) => Effect.Effect<void, SqlError>
  }
>()("holdfast/services/link/PeerBook") {}
