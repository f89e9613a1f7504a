/**
 * What the database knows of the node's own matters that need attention: peers who are owed for long or have no
 * address, and messages whose end their protocol could not take in, which are kept until it can.
 */
import { Context, type Effect, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { type MessageId, Outcome } from "../../protocol/delivery/Message.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"

/** How a message ended, which its protocol was not told. */
export const End = Schema.Union([
  Schema.TaggedStruct("Settled", { outcome: Outcome }),
  Schema.TaggedStruct("Expired", { outcome: Schema.Literals(["cancelled", "unknown"]) })
])
export type End = typeof End.Type

/** A message of this node that has ended without its protocol. */
export interface Untold {
  readonly id: MessageId
  readonly peer: NodeKey
  readonly protocol: string
  readonly subject: string
  readonly end: End
  /** Milliseconds since 1970. */
  readonly at: number
}

/** A peer to whom something is owed. What was taken back does not count. */
export interface Owing {
  readonly peer: NodeKey
  readonly messages: number
  /** When the oldest of them was sent, in milliseconds since 1970. */
  readonly since: number
  /** How often the most tried of them has had a number. */
  readonly attempts: number
  /** Whether an address of the peer is known. */
  readonly addressed: boolean
}

/** Untold messages that are kept at the most; of more there are events alone. */
export const maxUntold = 1_000

export class AttentionStore extends Context.Service<
  AttentionStore,
  {
    /**
     * Peers to whom something is owed since `before` or earlier, or that was tried more than `attempts` times, or of
     * whom no address is known; who has waited longest comes first.
     */
    readonly owing: (query: {
      readonly before: number
      readonly attempts: number
      readonly limit: number
    }) => Effect.Effect<ReadonlyArray<Owing>, SqlError>
    /** Joins. Keeps a message until its protocol takes in how it ended. Beyond `maxUntold` it is not kept. */
    readonly keep: (untold: Untold & { readonly body: Uint8Array }) => Effect.Effect<void, SqlError>
    /** In the order of their ids, after one if it is given. */
    readonly untold: (query: {
      readonly after?: MessageId | undefined
      readonly limit: number
    }) => Effect.Effect<ReadonlyArray<Untold>, SqlError>
    /** Joins. Removes an untold message and gives its body; `undefined` if there is no such message. */
    readonly take: (id: MessageId) => Effect.Effect<Uint8Array | undefined, SqlError>
  }
>()("holdfast/services/delivery/AttentionStore") {}
