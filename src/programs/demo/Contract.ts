/**
 * What the demo and its nodes say to each other over the channel between their processes. A process that is killed
 * says nothing more; what must survive that is in its database.
 */
import { Schema } from "effect"
import { AddressFromString } from "../../protocol/Address.ts"
import { NodeKey } from "../../protocol/NodeKey.ts"

/** Of so many batches that a node sends, one is sent twice. An odd number: batches to the two peers often alternate. */
export const twice = 15

/** Where a node of the demo finds `Start`, as JSON: a URL may hold a password, which arguments would show to everybody. */
export const variable = "HOLDFAST_DEMO_NODE"

/** How a node of the demo is started. */
export const Start = Schema.Struct({
  data: Schema.String,
  /** A PostgreSQL database instead of the embedded one. */
  database: Schema.optionalKey(Schema.String)
})
export type Start = typeof Start.Type

/** Connect to these peers and send each of them what the ledger does not have yet. */
export const Begin = Schema.TaggedStruct("Begin", {
  peers: Schema.Array(AddressFromString),
  /** To each peer, numbered from 1. */
  messages: Schema.Int,
  /** To each peer at a time, as transactions at once. */
  burst: Schema.Int,
  /** Milliseconds from one time to the next. */
  pause: Schema.Number
})
export type Begin = typeof Begin.Type

/** Send so many more to each peer, now. */
export const Rush = Schema.TaggedStruct("Rush", { messages: Schema.Int })

export const Command = Schema.Union([Begin, Rush])
export type Command = typeof Command.Type

/** The node runs and waits for `Begin`. */
export const Ready = Schema.TaggedStruct("Ready", { key: NodeKey, port: Schema.Int })

/** Where the node stands, as its database says. */
export const Status = Schema.TaggedStruct("Status", {
  peers: Schema.Array(
    Schema.Struct({
      key: NodeKey,
      /** In the ledger. */
      sent: Schema.Int,
      /** In the outbox. */
      owed: Schema.Int,
      /** The number of the live session, as text; none if there is no session. */
      session: Schema.optionalKey(Schema.String)
    })
  ),
  delivered: Schema.Int
})
export type Status = typeof Status.Type

export const Report = Schema.Union([Ready, Status])
export type Report = typeof Report.Type

export const encodeStart = Schema.encodeSync(Schema.fromJsonString(Start))
export const decodeStart = Schema.decodeUnknownEffect(Schema.fromJsonString(Start))
export const encodeCommand = Schema.encodeSync(Command)
export const decodeCommand = Schema.decodeUnknownEffect(Command)
export const encodeReport = Schema.encodeSync(Report)
export const decodeReport = Schema.decodeUnknownOption(Report)
