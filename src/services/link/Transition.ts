/**
 * What happened to every connection, as data: tests, operators and metrics read the same list.
 */
import { Schema } from "effect"
import { NodeKey } from "../../protocol/NodeKey.ts"
import { EndReason } from "./Ended.ts"

/**
 * `opening`: dialled or accepted, its peer not proven yet. `candidate`: the peer is proven. `active`: it is the
 * session. `lane`: it is a further connection of a session. `closed`: over, with a reason.
 */
export const ConnectionState = Schema.Literals(["opening", "candidate", "active", "lane", "closed"])
export type ConnectionState = typeof ConnectionState.Type

export const Transition = Schema.Struct({
  /** Milliseconds since 1970. */
  at: Schema.Number,
  /** Names the connection within its process. */
  connection: Schema.Int,
  direction: Schema.Literals(["inbound", "outbound"]),
  /** Where the other end is. */
  remote: Schema.String,
  peer: Schema.optionalKey(NodeKey),
  from: Schema.optionalKey(ConnectionState),
  to: ConnectionState,
  /** The session's number, once it has one. */
  session: Schema.optionalKey(Schema.BigInt),
  reason: Schema.optionalKey(EndReason),
  detail: Schema.optionalKey(Schema.String)
})
export type Transition = typeof Transition.Type
