/**
 * Why a handshake came to nothing, each reason as a value (docs/PROTOCOL.md, "Secure channel").
 *
 * `isRetryable` answers one question: may the same dial succeed later although nobody changes anything? What rests on
 * an alert (`WrongNode`, `PeerRefused`, the peer's word on its version) was said in plaintext and may be a lie of
 * anyone on the path: show it, slow down, but never give a peer up on it.
 */
import { Schema } from "effect"
import { NodeKey } from "../NodeKey.ts"

/** The first bytes are not those of a Holdfast node: another protocol lives at this address, or called this one. */
export class NotHoldfast extends Schema.TaggedError<NotHoldfast>()("NotHoldfast", {
  /** The first bytes received, at most eight. */
  received: Schema.Uint8Array
}) {
  readonly isRetryable = false
  override get message(): string {
    const text = String.fromCharCode(...this.received).replace(/[^\x20-\x7e]/g, ".")
    return `the peer does not speak Holdfast: it began with "${text}"`
  }
}

/** The two nodes speak different versions of the handshake. */
export class VersionUnsupported extends Schema.TaggedError<VersionUnsupported>()("VersionUnsupported", {
  ours: Schema.Natural,
  theirs: Schema.Natural
}) {
  readonly isRetryable = false
  override get message(): string {
    const older = this.ours < this.theirs ? "this node" : "the peer"
    return `the peer speaks version ${this.theirs} of the handshake and this node ${this.ours}: upgrade ${older}`
  }
}

/** The initiator asked for a Noise pattern that this version does not have. */
export class PatternUnsupported extends Schema.TaggedError<PatternUnsupported>()("PatternUnsupported", {
  pattern: Schema.Natural
}) {
  readonly isRetryable = false
  override get message(): string {
    return `the peer asked for Noise pattern ${this.pattern}, which this version does not have`
  }
}

/** A handshake message was announced with more bytes than any may have; nothing was allocated for it. */
export class MessageOversized extends Schema.TaggedError<MessageOversized>()("MessageOversized", {
  length: Schema.Natural,
  limit: Schema.Natural
}) {
  readonly isRetryable = true
  override get message(): string {
    return `a handshake message of ${this.length} bytes was announced, ${this.limit} are allowed`
  }
}

/** A handshake message does not have the length that its place in the pattern prescribes. */
export class MessageMalformed extends Schema.TaggedError<MessageMalformed>()("MessageMalformed", {
  /** The place of the message in the pattern, from 1. */
  step: Schema.Natural,
  length: Schema.Natural,
  expected: Schema.Natural
}) {
  readonly isRetryable = true
  override get message(): string {
    return `handshake message ${this.step} has ${this.length} bytes instead of ${this.expected}`
  }
}

/** A handshake message was not sealed for this handshake: damaged, forged, replayed, or meant for another key. */
export class DecryptionFailed extends Schema.TaggedError<DecryptionFailed>()("DecryptionFailed", {
  /** The place of the message in the pattern, from 1. */
  step: Schema.Natural
}) {
  readonly isRetryable = true
  override get message(): string {
    return `handshake message ${this.step} cannot be decrypted`
  }
}

/** A Diffie-Hellman result is all zero: the peer sent a key of low order, which protects nothing. */
export class KeyWeak extends Schema.TaggedError<KeyWeak>()("KeyWeak", {}) {
  readonly isRetryable = false
  override get message(): string {
    return "the peer sent a key of low order"
  }
}

/** The node key that the peer names does not belong to the key that the handshake proved, or is not the one dialled. */
export class KeyMismatch extends Schema.TaggedError<KeyMismatch>()("KeyMismatch", { claimed: NodeKey }) {
  readonly isRetryable = false
  override get message(): string {
    return `the peer claims node key ${this.claimed}, which is not the key that it proved`
  }
}

/** The key to be dialled is no usable Ed25519 key, so no node can hold it. */
export class KeyInvalid extends Schema.TaggedError<KeyInvalid>()("KeyInvalid", { key: NodeKey }) {
  readonly isRetryable = false
  override get message(): string {
    return `no node can hold the key ${this.key}: it is not a point of the curve. Check the address for a typing error`
  }
}

/** The node at the address says that it does not hold the key in it. Said in plaintext: a diagnosis, not a proof. */
export class WrongNode extends Schema.TaggedError<WrongNode>()("WrongNode", { expected: NodeKey }) {
  readonly isRetryable = false
  override get message(): string {
    return `the node at this address does not hold the key in it (${this.expected}), so it says`
  }
}

/** The peer broke the handshake off with an alert. Said in plaintext: a diagnosis, not a proof. */
export class PeerRefused extends Schema.TaggedError<PeerRefused>()("PeerRefused", {
  code: Schema.Natural,
  detail: Schema.Natural
}) {
  readonly isRetryable = true
  override get message(): string {
    return `the peer broke the handshake off with alert ${this.code} (${this.detail})`
  }
}

/** Every way in which the handshake machine can fail. */
export const NoiseFailed = Schema.Union([
  NotHoldfast,
  VersionUnsupported,
  PatternUnsupported,
  MessageOversized,
  MessageMalformed,
  DecryptionFailed,
  KeyWeak,
  KeyMismatch,
  KeyInvalid,
  WrongNode,
  PeerRefused
])
export type NoiseFailed = typeof NoiseFailed.Type
