/**
 * Messages that crashed their handler again and again and were put aside for an operator: what a retry of one, and the
 * end of one, read and write. The receiver itself puts them there (`RetryStore.park`).
 */
import { Context, type Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { MessageId } from "../../protocol/delivery/Message.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"

/** A parked message, as an operator sees it. */
export interface ParkedMessage {
  readonly peer: NodeKey
  readonly id: MessageId
  readonly protocol: string
  readonly subject: string
  readonly bytes: number
  /** Why it could not be handled the last time. */
  readonly why: string
  /** When it was parked, in milliseconds since 1970. */
  readonly at: number
}

/** Two peers may give their messages the same id: only both together name one. */
export interface ParkedPlace {
  readonly id: MessageId
  readonly peer: NodeKey
}

export class ParkedStore extends Context.Service<
  ParkedStore,
  {
    /** In the order of their ids, which is about that of their sending, after a place if there is one. */
    readonly list: (query: {
      readonly peer?: NodeKey | undefined
      readonly after?: ParkedPlace | undefined
      readonly limit: number
    }) => Effect.Effect<ReadonlyArray<ParkedMessage>, SqlError>
    /** The peers of whom a message of this id is parked, at most `limit`. */
    readonly peersOf: (id: MessageId, limit: number) => Effect.Effect<ReadonlyArray<NodeKey>, SqlError>
    /**
     * Joins. The message, locked. Nothing else of its peer is received until the transaction ends, so that it cannot be
     * handled twice when the peer offers it anew at the same time.
     */
    readonly take: (place: ParkedPlace) => Effect.Effect<
      | {
          readonly protocol: string
          readonly subject: string
          readonly body: Uint8Array
        }
      | undefined,
      SqlError
    >
    /** Joins. Remembers that it has had its effect: should its peer offer it anew, it is a duplicate. */
    readonly remember: (place: ParkedPlace, now: number) => Effect.Effect<void, SqlError>
    /** Joins. False if there is no such message. */
    readonly remove: (place: ParkedPlace) => Effect.Effect<boolean, SqlError>
    /** Notes why it could not be handled this time either. */
    readonly blame: (place: ParkedPlace, why: string) => Effect.Effect<void, SqlError>
    /** How many there are, counted no further than `limit`. */
    readonly count: (limit: number) => Effect.Effect<number, SqlError>
  }
>()("holdfast/services/delivery/ParkedStore") {}
