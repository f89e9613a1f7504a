/**
 * Why a connection is over: one short reason for decisions and metrics, one sentence for people.
 */
import { Schema } from "effect"

export const EndReason = Schema.Literals([
  /** The peer closed between two frames without a word. */
  "closed",
  /** The input ended inside a frame or a record. */
  "truncated",
  /** The socket failed. */
  "network",
  /** The peer sent what it must not; it has been told. */
  "violation",
  /** Silence with a ping unanswered. */
  "silent",
  /** The peer takes too long to take what is written, or to receipt it. */
  "slow",
  /** No session within the handshake's time. */
  "handshake-timeout",
  /** The channel could not be made: not a node, another version, the wrong key. */
  "handshake-failed",
  /** No connection. */
  "dial-failed",
  /** The peer refused with REJECT. */
  "rejected",
  /** This node refused with REJECT. */
  "refused",
  /** A newer connection with the same peer is the session now. */
  "replaced",
  /** The peer said GOODBYE. */
  "goodbye",
  /** This node stops, or no longer wants the peer. */
  "shutdown",
  /** This node failed to handle the session, for example for want of its database. */
  "internal"
])
export type EndReason = typeof EndReason.Type

export const Ended = Schema.Struct({ reason: EndReason, detail: Schema.String })
export type Ended = typeof Ended.Type

export const ended = (reason: EndReason, detail: string): Ended => ({ reason, detail })
