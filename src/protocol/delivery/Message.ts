/**
 * A committed message and what became of it (docs/PROTOCOL.md, 7).
 */
import { Schema } from "effect"
import { text, Uuid, UuidText } from "../Cbor.ts"
import type { NodeKey } from "../NodeKey.ts"

/** Fixed when the message is sent, the same however often it is offered. */
export const MessageId = UuidText
export type MessageId = typeof MessageId.Type

/** Largest message body, in bytes. */
export const maxBody = 1024 * 1024
/** Longest protocol name and subject, in characters. */
export const maxName = 64
export const maxSubject = 256
/** Largest digest of a receiver's state that comes back with `Stale`, in bytes. */
export const maxState = 256

/** A message as its sender hands it over. Messages of one `(peer, protocol, subject)` take effect in order. */
export interface Outgoing {
  readonly id: MessageId
  readonly peer: NodeKey
  readonly protocol: string
  readonly subject: string
  readonly body: Uint8Array
  /** Milliseconds since 1970 after which it is no longer sent; none by default. */
  readonly deadline?: number | undefined
}

/** A message in the stream of its sender: `seq` counts from 1. `void` stands for one that was taken back. */
export interface Numbered {
  readonly seq: bigint
  readonly id: MessageId
  readonly protocol: string
  readonly subject: string
  readonly body: Uint8Array
  readonly void: boolean
}

/** The receiver's answer. Everything but `Ok` is kept by the receiver until the sender has it for good. */
export const Outcome = Schema.Union([
  Schema.TaggedStruct("Ok", {}),
  /** It does not fit the receiver's state, whose revision and digest come back. */
  Schema.TaggedStruct("Stale", {
    revision: text(128),
    state: Schema.optionalKey(Schema.Uint8Array.check(Schema.isMaxLength(maxState)))
  }),
  /** It will never be accepted. */
  Schema.TaggedStruct("Refused", { reason: text(64), detail: text(1024) }),
  /** Offer it again after a while; `behind` names the message of the same subject that must come first. */
  Schema.TaggedStruct("Later", { retryAfterMillis: Schema.Natural, behind: Schema.optionalKey(Uuid) })
])
export type Outcome = typeof Outcome.Type

export const ok: Outcome = { _tag: "Ok" }

/** An outcome other than `Ok`, by sequence number. */
export interface Answer {
  readonly seq: bigint
  readonly outcome: Outcome
}
