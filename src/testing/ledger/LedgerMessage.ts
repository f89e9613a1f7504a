/**
 * The messages of the ledger scenario. Each names itself by its sender's count, and says what its receiver is to do.
 */
import { Schema } from "effect"
import { MessageId } from "../../protocol/delivery/Message.ts"

/** What becomes of a message at its receiver. */
export const Wish = Schema.Literals([
  /** It takes effect. */
  "plain",
  /** It takes effect and is answered with a message of the receiver's, in the same transaction. */
  "echo",
  /** It is refused. */
  "refuse",
  /** It is stale. */
  "stale",
  /** It is put off, now and then when it comes, and takes effect when it is not. */
  "later"
])
export type Wish = typeof Wish.Type

export const LedgerMessage = Schema.Struct({
  /** The message's own name, never used again. */
  id: Schema.String,
  /** Counts the sender's messages. */
  n: Schema.Int,
  subject: Schema.String,
  wish: Wish,
  /** Sent again because one of the databases was restored: the receiver may have it already. */
  again: Schema.Boolean,
  /** Fills the message up. */
  padding: Schema.String
})
export type LedgerMessage = typeof LedgerMessage.Type

/** What a sender's ledger says of a message. `messageId` is its name in the outbox. */
export const Sent = Schema.Struct({ ...LedgerMessage.fields, to: Schema.String, messageId: MessageId })
export type Sent = typeof Sent.Type

/** What a receiver's ledger says of a message that took effect. */
export const Effected = Schema.Struct({
  id: Schema.String,
  n: Schema.Int,
  from: Schema.String,
  subject: Schema.String,
  again: Schema.Boolean
})
export type Effected = typeof Effected.Type

/** What a sender has learned of a message's end. */
export const Concluded = Schema.Struct({ id: Schema.String, to: Schema.String, outcome: Schema.String })
export type Concluded = typeof Concluded.Type

/** A message that a sender has taken back, and what it was told of that. */
export const Cancelled = Schema.Struct({
  id: Schema.String,
  to: Schema.String,
  outcome: Schema.Literals(["cancelled", "unknown"])
})
export type Cancelled = typeof Cancelled.Type
