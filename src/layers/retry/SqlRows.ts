/**
 * How the retry store's rows are read, and what a write that found no row of its epoch means.
 */
import { Effect, Schema } from "effect"
import { MessageId, Outcome } from "../../protocol/delivery/Message.ts"
import { NodeKey } from "../../protocol/NodeKey.ts"
import { type Link, LinkFenced } from "../../services/delivery/RetryStore.ts"
import { Int8Number } from "../SqlRow.ts"

/** The outcomes that a receiver keeps, as JSON. */
const OutcomeJson = Schema.fromJsonString(Schema.toCodecJson(Schema.toType(Outcome)))
export const outcomeToJson = Schema.encodeSync(OutcomeJson)

export const NumberedRow = Schema.Struct({
  seq: Schema.BigInt,
  id: MessageId,
  protocol: Schema.String,
  subject: Schema.String,
  body: Schema.Uint8Array,
  void: Schema.Boolean
})

export const SettledRow = Schema.Struct({
  seq: Schema.BigInt,
  id: MessageId,
  protocol: Schema.String,
  subject: Schema.String,
  body: Schema.Uint8Array
})

/** An answered message, with what decides until when it waits. */
export const AnsweredRow = Schema.Struct({
  seq: Schema.BigInt,
  id: MessageId,
  place: Schema.BigInt,
  protocol: Schema.String,
  subject: Schema.String,
  put_off: Schema.Int,
  void: Schema.Boolean,
  waits_until: Schema.NullOr(Int8Number),
  followed: Schema.Boolean
})

/** A message that another one is said to be behind. */
export const HeadRow = Schema.Struct({ id: MessageId, waiting: Schema.Boolean, due_at: Int8Number })

export const PostponedRow = Schema.Struct({
  id: MessageId,
  protocol: Schema.String,
  subject: Schema.String,
  body: Schema.Uint8Array
})

export const AnswerRow = Schema.Struct({ seq: Schema.BigInt, outcome: Schema.toCodecJson(Schema.toType(Outcome)) })

export const HeldRow = Schema.Struct({
  protocol: Schema.String,
  subject: Schema.String,
  id: MessageId,
  seq: Schema.BigInt
})

export const PositionsRow = Schema.Struct({
  id: Schema.Int,
  stream_out: MessageId,
  last: Schema.BigInt,
  receipted: Schema.BigInt,
  stream_in: Schema.NullOr(MessageId),
  position: Schema.BigInt,
  seen: Schema.BigInt
})

export const ReceivingRow = Schema.Struct({
  link: Schema.Int,
  stream: Schema.NullOr(MessageId),
  position: Schema.BigInt,
  restarted: Schema.Boolean,
  held: Schema.Int
})

export const OwedRow = Schema.Struct({
  id: MessageId,
  peer: NodeKey,
  protocol: Schema.String,
  subject: Schema.String,
  bytes: Schema.Int,
  created_at: Int8Number,
  due_at: Int8Number,
  deadline: Schema.NullOr(Int8Number),
  seq: Schema.NullOr(Schema.BigInt),
  attempts: Schema.Int,
  last_outcome: Schema.NullOr(Schema.String),
  void: Schema.Boolean
})

export const TotalsRow = Schema.Struct({
  peer: NodeKey,
  owed: Int8Number,
  oldest_created_at: Schema.NullOr(Int8Number),
  receipted: Schema.BigInt,
  received: Schema.BigInt,
  duplicates: Schema.BigInt
})

/** No row carried the epoch: another owner has raised it. */
export const fenced = ({ peer, epoch }: Link): LinkFenced => new LinkFenced({ peer, epoch })

/** The statement's rows, unless there is none, which tells that the link is no longer its caller's. */
export const owned = <Row extends object, E, R>(
  link: Link,
  rows: Effect.Effect<ReadonlyArray<Row>, E, R>
): Effect.Effect<ReadonlyArray<Row>, E | LinkFenced, R> =>
  Effect.flatMap(rows, (found) => (found.length === 0 ? Effect.fail(fenced(link)) : Effect.succeed(found)))
