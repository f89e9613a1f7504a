/**
 * What the API says about a node. Times are milliseconds since 1970, 64-bit numbers are texts.
 */
import { Schema } from "effect"
import { MessageId } from "../../protocol/delivery/Message.ts"
import * as Ban from "../../protocol/link/Ban.ts"
import { NodeKey } from "../../protocol/NodeKey.ts"
import { AttentionItem } from "../../services/delivery/Attention.ts"
import { Finding } from "../../services/delivery/Audit.ts"
import { Cursor } from "../../services/delivery/Feed.ts"
import { Ended } from "../../services/link/Ended.ts"
import { InboxNote, NoteText } from "../NoteProtocol.ts"

const optional = Schema.optionalKey

const Standing = {
  node: NodeKey,
  /** What others connect to, if this node listens. */
  address: optional(Schema.String),
  network: Schema.String,
  agent: Schema.String,
  /** How often a node has started on this database. */
  incarnation: Schema.BigInt,
  startedAt: Schema.Number,
  database: Schema.Literals(["embedded", "postgres"]),
  sessions: Schema.Int
}

/** All is well: the database answers. */
export const Healthy = Schema.Struct({
  status: Schema.Literal("ok"),
  ...Standing,
  /** Messages that are still owed to peers, and since when the oldest. */
  owed: Schema.Int,
  owedSince: optional(Schema.Number)
})
/** The node runs, but its database does not answer. Nothing that was committed is lost. */
export const Degraded = Schema.Struct({ status: Schema.Literal("degraded"), ...Standing, problem: Schema.String })
export type Health = typeof Healthy.Type | typeof Degraded.Type

export const PeerSession = Schema.Struct({
  number: Schema.BigInt,
  direction: Schema.Literals(["inbound", "outbound"]),
  remote: Schema.String,
  since: Schema.Number,
  /** The peer's software. */
  agent: Schema.String,
  /** Connections of the session, if it may have several. */
  lanes: optional(Schema.Struct({ open: Schema.Int, most: Schema.Int })),
  /** Smoothed; absent before the first pong. */
  rttMillis: optional(Schema.Number),
  pings: Schema.Int,
  /** Pongs that matched a ping, however late, and those that matched none. */
  pongs: Schema.Int,
  unknownPongs: Schema.Int,
  /** Pongs in time, of the pings that have been answered or are overdue, from 0 to 1; absent before the first. */
  pingSuccess: optional(Schema.Number),
  framesIn: Schema.Int,
  framesOut: Schema.Int,
  bytesIn: Schema.Int,
  bytesOut: Schema.Int,
  /** What waits to be written to the peer. */
  queuedBytes: Schema.Int
})

export const PeerView = Schema.Struct({
  key: NodeKey,
  /** `connected`; `dialling`: wanted, and being dialled or waiting to be; `known`: neither. */
  state: Schema.Literals(["connected", "dialling", "known"]),
  /** Where it is dialled. */
  endpoint: optional(Schema.String),
  /** Somebody asked to stay connected. */
  wanted: Schema.Boolean,
  lastConnectedAt: optional(Schema.Number),
  session: optional(PeerSession),
  /** Why the last connection or dial came to its end, if one has. */
  lastEnded: optional(Ended),
  /** How the redialling goes, of peers that are dialled. */
  dialling: optional(
    Schema.Struct({
      reasons: Schema.Array(Schema.Literals(["asked", "owed", "learned"])),
      breaker: Schema.Literals(["closed", "open", "half-open"]),
      failures: Schema.Int,
      nextDialAt: optional(Schema.Number),
      lastEnded: optional(Ended)
    })
  ),
  owed: Schema.Int,
  /** Messages of the peer that took effect here, and those that arrived again and changed nothing. */
  received: Schema.BigInt,
  duplicates: Schema.BigInt
})
export type PeerView = typeof PeerView.Type

export const Wanted = Schema.Struct({ key: NodeKey })

/** The longest that a ban can be asked for with an end, in milliseconds. */
export const longestBan = 10 * 365 * 86_400_000

export const BanReason = Schema.String.check(
  Schema.isPattern(/^(?=.*\S)\P{Cc}{1,200}$/u, {
    message: "give a reason of one line, 1 to 200 characters, or leave it out"
  })
)

export const NewBan = Schema.Struct({
  /** A whole node key, an IP address, or the /64 of an IPv6 address. */
  subject: Ban.BannableFromString,
  reason: optional(BanReason),
  /** Until it is lifted if this is left out. */
  forMillis: optional(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: longestBan })))
})

export const BanView = Schema.Struct({
  ...Ban.Ban.fields,
  /** What `subject` is: a node key, or a host. */
  about: Schema.Literals(["peer", "host"])
})
export type BanView = typeof BanView.Type

export const Lifted = Schema.Struct({ subject: Ban.Subject })

export const NewNote = Schema.Struct({
  peer: NodeKey,
  text: NoteText,
  /** Take it back if it is not receipted within so many milliseconds. */
  withinMillis: optional(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10 * 365 * 86_400_000 })))
})

export const Accepted = Schema.Struct({ id: MessageId })

export const OwedView = Schema.Struct({
  id: MessageId,
  peer: NodeKey,
  protocol: Schema.String,
  subject: Schema.String,
  bytes: Schema.Int,
  since: Schema.Number,
  /** One sentence: what it waits for. */
  why: Schema.String,
  attempts: Schema.Int,
  /** When something happens next by itself: the next dial, or the next offer. */
  nextAt: optional(Schema.Number),
  deadline: optional(Schema.Number)
})
export type OwedView = typeof OwedView.Type

export const OwedPage = Schema.Struct({ items: Schema.Array(OwedView), next: optional(MessageId) })

/** `cancelled`: the peer will never see it. `unknown`: it had been sent already, and may have taken effect. */
export const Dropped = Schema.Struct({ result: Schema.Literals(["cancelled", "unknown"]) })

/** `next` is where to go on, or to look for newer ones. */
export const InboxPage = Schema.Struct({ items: Schema.Array(InboxNote), next: optional(Schema.BigInt) })

export const ParkedView = Schema.Struct({
  id: MessageId,
  peer: NodeKey,
  protocol: Schema.String,
  subject: Schema.String,
  bytes: Schema.Int,
  /** Why it could not be handled the last time. */
  why: Schema.String,
  parkedAt: Schema.Number
})
export type ParkedView = typeof ParkedView.Type

/** Where to go on in the list of parked messages. */
export const ParkedCursor = Schema.String.check(
  Schema.isPattern(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:[0-9a-f]{64}$/, {
    message: "a cursor is <message id>:<node key>"
  })
)

export const ParkedPage = Schema.Struct({ items: Schema.Array(ParkedView), next: optional(ParkedCursor) })

/** `duplicate`: it had had its effect before, when its peer offered it anew. */
export const Retried = Schema.Struct({ result: Schema.Literals(["handled", "duplicate"]) })

export const ParkedDropped = Schema.Struct({ id: MessageId, peer: NodeKey })

/** What waits for users or for the operator; what has waited longest comes first. */
export const AttentionList = Schema.Struct({ items: Schema.Array(AttentionItem) })

export const AuditItem = Schema.Union([
  /** What is looked at now. */
  Schema.TaggedStruct("Checking", { number: Schema.Int, of: Schema.Int, what: Schema.String }),
  /** The end: all that was found, or all that is told of it if there is more. */
  Schema.TaggedStruct("Report", {
    checks: Schema.Int,
    findings: Schema.Array(Finding),
    more: Schema.Boolean
  }),
  /** The end, without a result. */
  Schema.TaggedStruct("Failed", { message: Schema.String, fix: Schema.String })
])
export type AuditItem = typeof AuditItem.Type

/** `Reset` and `Gap` carry the action list, 100 items at the most: what was missed may have told of those. */
export const EventView = Schema.Union([
  /** What comes first of a reading from `now`: where that is. Whatever happens from then on follows. */
  Schema.TaggedStruct("Now", { cursor: Cursor }),
  Schema.TaggedStruct("Event", {
    cursor: Cursor,
    at: Schema.Number,
    audience: Schema.String,
    protocol: Schema.String,
    subject: Schema.String,
    kind: Schema.String,
    body: Schema.Json
  }),
  /** The cursor belongs to another feed: reading starts over at the oldest event. */
  Schema.TaggedStruct("Reset", { cursor: Cursor, attention: Schema.Array(AttentionItem) }),
  /** Events after the cursor are no longer kept. */
  Schema.TaggedStruct("Gap", { cursor: Cursor, missed: Schema.BigInt, attention: Schema.Array(AttentionItem) })
])
export type EventView = typeof EventView.Type
