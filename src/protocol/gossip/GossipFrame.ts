/**
 * GOSSIP: something said to a neighbour about a topic, without a receipt (docs/PROTOCOL.md, 10).
 *
 * One topic is the protocol's own: `addresses`. The others are their users', and their bodies nobody else's business.
 */
import { Schema } from "effect"
import { type Codec, codec } from "../Cbor.ts"
import { Announcement } from "./Announcement.ts"

/** Largest body of a topic, in bytes. */
export const maxBody = 16 * 1024
/** Largest body of a frame, in bytes: a body of a topic with its topic. */
export const maxFrame = maxBody + 256
/** Most announcements in one frame: so many fit it at their largest. */
export const maxRecords = 32
/** The topic of announcements. */
export const addresses = "addresses"

/** A topic: ASCII without spaces. */
export const Topic = Schema.String.check(
  Schema.isPattern(/^[!-~]{1,64}$/, { message: "a topic is 1 to 64 ASCII characters without spaces" })
)

export const Gossip = Schema.Struct({
  topic: Topic,
  body: Schema.Uint8Array.check(Schema.isMaxLength(maxBody))
})
export type Gossip = typeof Gossip.Type

/** The body of the topic `addresses`. */
export const Addresses = Schema.Struct({
  records: Schema.Array(Announcement).check(Schema.isMinLength(1), Schema.isMaxLength(maxRecords))
})
export type Addresses = typeof Addresses.Type

export const gossip: Codec<Gossip> = codec("GOSSIP", Gossip)
export const addressBody: Codec<Addresses> = codec("GOSSIP of addresses", Addresses)
