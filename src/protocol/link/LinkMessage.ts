/**
 * What two nodes say to each other about the link itself (docs/PROTOCOL.md, 4): HELLO, COMMIT, REJECT, GOODBYE,
 * JOIN, JOINED, PING and PONG. Each is a frame of its own kind with a CBOR body; ping and pong carry eight bytes and nothing else.
 */
import { Result, Schema } from "effect"
import { Host, Port } from "../Address.ts"
import { ChainClaim } from "../chain/ChainClaim.ts"
import { type BodyInvalid, type Codec, codec, text, U64, Uuid } from "../Cbor.ts"
import { Kind } from "./Frame.ts"

/** Most protocols that a HELLO may name. */
export const maxProtocols = 40

/** A protocol's name as HELLO carries it: ASCII without spaces, so that the longest HELLO fits a small frame. */
const ProtocolName = Schema.String.check(
  Schema.isPattern(/^[!-~]{1,64}$/, { message: "a protocol name is 1 to 64 ASCII characters without spaces" })
)

/** More than this node may use: a newer one may offer more. */
const LaneCount = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 255 }))

/**
 * The first message of both sides.
 *
 * `instance` is random per process, `database` per database, `incarnation` grows with every start on that database.
 * `knows` is the highest session number seen from the arbiter of the pair and `holds` whether that session still
 * lives here: the arbiter decides by them, see `Arbiter.ts`. `lanes` is how many a session may have, see `Lanes.ts`; one
 * where it says nothing. `chain` is the chain that it keeps, if any.
 */
export const Hello = Schema.Struct({
  network: text(64),
  instance: Uuid,
  database: Uuid,
  incarnation: U64,
  versions: Schema.Struct({ min: Schema.Natural, max: Schema.Natural }),
  knows: U64,
  holds: Schema.Boolean,
  agent: text(64),
  protocols: Schema.Array(ProtocolName).check(Schema.isMaxLength(maxProtocols)),
  listen: Schema.optionalKey(Schema.Struct({ host: Host, port: Port })),
  lanes: Schema.optionalKey(LaneCount),
  chain: Schema.optionalKey(ChainClaim)
})
export type Hello = typeof Hello.Type

/** The arbiter's word that this connection is session `number`. */
export const Commit = Schema.Struct({ number: U64 })
export type Commit = typeof Commit.Type

/** Asks for a connection to be a lane of a live session, and the answer that it is. */
export const Join = Schema.Struct({
  session: U64,
  lane: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 255 }))
})
export type Join = typeof Join.Type

/** The longest that a peer can be asked to stay away, in milliseconds. */
export const maxRetryMillis = 86_400_000
const RetryMillis = Schema.Natural.check(Schema.isLessThanOrEqualTo(maxRetryMillis))

/**
 * Why a connection does not become a session. `duplicate` names the session that stays; `occupied`: another node is
 * connected from this address and alive; `owner`: another agent of this node keeps the link; `banned`: the peer or its
 * host is kept out; `lane`: the connection does not become a lane of a session; `genesis`: both keep a chain, and not the same.
 * `self`, `clone`, `network`, `version` and `genesis` will not change by redialling soon.
 */
export const RejectReason = Schema.Literals([
  "duplicate",
  "occupied",
  "owner",
  "banned",
  "self",
  "clone",
  "network",
  "version",
  "violation",
  "busy",
  "shutdown",
  "lane",
  "genesis"
])
export type RejectReason = typeof RejectReason.Type

export const Reject = Schema.Struct({
  reason: RejectReason,
  number: U64,
  detail: text(256),
  /** Where the agent that keeps the link listens, with `owner`. The same key must answer there. */
  address: Schema.optionalKey(Schema.Struct({ host: Host, port: Port })),
  /** When it makes sense to dial again, with `banned`. */
  retryAfterMillis: Schema.optionalKey(RetryMillis)
})
export type Reject = typeof Reject.Type

/** Why a live session is ended on purpose. */
export const GoodbyeReason = Schema.Literals(["shutdown", "replaced", "violation", "slow", "unwanted"])
export type GoodbyeReason = typeof GoodbyeReason.Type

/** The last message of a session; `retryAfterMillis` is when it makes sense to dial again. */
export const Goodbye = Schema.Struct({
  reason: GoodbyeReason,
  retryAfterMillis: RetryMillis,
  detail: text(256)
})
export type Goodbye = typeof Goodbye.Type

export const hello: Codec<Hello> = codec("HELLO", Hello)
export const commit: Codec<Commit> = codec("COMMIT", Commit)
export const join: Codec<Join> = codec("JOIN", Join)
export const joined: Codec<Join> = codec("JOINED", Join)
export const reject: Codec<Reject> = codec("REJECT", Reject)
export const goodbye: Codec<Goodbye> = codec("GOODBYE", Goodbye)

/** A link message with its decoded body. */
export type LinkMessage =
  | { readonly _tag: "Hello"; readonly hello: Hello }
  | { readonly _tag: "Commit"; readonly commit: Commit }
  | { readonly _tag: "Reject"; readonly reject: Reject }
  | { readonly _tag: "Goodbye"; readonly goodbye: Goodbye }
  | { readonly _tag: "Join"; readonly join: Join }
  | { readonly _tag: "Joined"; readonly joined: Join }

/** Decodes the frames of the handshake and of the end of a session; any other kind is `undefined`. */
export const decode = (kind: number, body: Uint8Array): Result.Result<LinkMessage, BodyInvalid> | undefined => {
  switch (kind) {
    case Kind.Hello:
      return Result.map(hello.decode(body), (value): LinkMessage => ({ _tag: "Hello", hello: value }))
    case Kind.Commit:
      return Result.map(commit.decode(body), (value): LinkMessage => ({ _tag: "Commit", commit: value }))
    case Kind.Reject:
      return Result.map(reject.decode(body), (value): LinkMessage => ({ _tag: "Reject", reject: value }))
    case Kind.Goodbye:
      return Result.map(goodbye.decode(body), (value): LinkMessage => ({ _tag: "Goodbye", goodbye: value }))
    case Kind.Join:
      return Result.map(join.decode(body), (value): LinkMessage => ({ _tag: "Join", join: value }))
    case Kind.Joined:
      return Result.map(joined.decode(body), (value): LinkMessage => ({ _tag: "Joined", joined: value }))
    default:
      return undefined
  }
}
