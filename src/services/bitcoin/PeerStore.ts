/**
 * The Bitcoin nodes that are known, of each network: where they are, and what came of the last attempt. Who is dialled is
 * the manager's to decide.
 */
import { Context, type Effect, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { Endpoint } from "../../protocol/Address.ts"

/** `Valid`: a handshake was completed. `Unknown`: heard of. */
export const Status = Schema.Literals(["Valid", "Unknown", "Inaccessible", "Banned"])
export type Status = typeof Status.Type

export const KnownPeer = Schema.Struct({
  endpoint: Endpoint,
  status: Status,
  /** Since when, in milliseconds since 1970. */
  since: Schema.Int,
  /** One sentence, of one that is inaccessible or banned. */
  reason: Schema.optionalKey(Schema.String)
})
export type KnownPeer = typeof KnownPeer.Type

/**
 * How many nodes of a network are kept, because anybody can make up addresses. Beyond it those that are inaccessible go,
 * then those that are unknown, the longest so first. A ban is kept, as is who was valid.
 */
export const PeersKept = Context.Reference<number>("holdfast/services/bitcoin/PeerStore/PeersKept", {
  defaultValue: () => 10_000
})

export class PeerStore extends Context.Service<
  PeerStore,
  {
    readonly find: (network: string, endpoint: Endpoint) => Effect.Effect<KnownPeer | undefined, SqlError>
    /** At most `limit`, of this status if it is given, those first whose status is newest. */
    readonly list: (
      network: string,
      options: { readonly status?: Status | undefined; readonly limit: number }
    ) => Effect.Effect<ReadonlyArray<KnownPeer>, SqlError>
    readonly count: (network: string) => Effect.Effect<Readonly<Record<Status, number>>, SqlError>
    /** At most `limit` to dial: valid ones, newest first, then unknown ones, oldest first. */
    readonly candidates: (network: string, limit: number) => Effect.Effect<ReadonlyArray<Endpoint>, SqlError>
    /** Notes those of which nothing is known yet as unknown; how many there were. May push out others: `PeersKept`. */
    readonly learn: (
      network: string,
      endpoints: ReadonlyArray<Endpoint>,
      now: number
    ) => Effect.Effect<number, SqlError>
    /** Notes what is known of one now, whether or not it was known before. */
    readonly mark: (network: string, peer: KnownPeer) => Effect.Effect<void, SqlError>
    /** Whether it was known. */
    readonly forget: (network: string, endpoint: Endpoint) => Effect.Effect<boolean, SqlError>
  }
>()("holdfast/services/bitcoin/PeerStore") {}
