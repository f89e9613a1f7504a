/**
 * The figures of the link layer, with their defaults and bounds. Every node takes them from `LinkConfig`, a reference
 * that a program or a test replaces as a whole: `Layer.succeed(LinkConfig, { ...defaults, heartbeat: profiles.fast })`.
 *
 * Times are milliseconds.
 */
import { Context } from "effect"
import * as Admission from "../../protocol/link/Admission.ts"
import * as Eviction from "../../protocol/link/Eviction.ts"
import * as Heartbeat from "../../protocol/link/Heartbeat.ts"
import * as RateLimit from "../../protocol/link/RateLimit.ts"
import * as Redial from "../../protocol/link/Redial.ts"
import type { Rate } from "../../protocol/link/TokenBucket.ts"
import * as SendQueue from "./SendQueue.ts"

export interface Config {
  readonly heartbeat: Heartbeat.Profile
  readonly redial: Redial.Policy
  readonly queue: SendQueue.Limits
  /** From the open socket to the live session. */
  readonly handshakeTimeout: number
  /** For each portion of what is written (`PortionSize`), in milliseconds. */
  readonly writeTimeout: number
  /** After the last frame: how long the peer may take to close its side. */
  readonly lingerTimeout: number
  /** How long a doubted session may take to show life. */
  readonly probeTimeout: number
  /** Accepted connections without a session that may be open at once; more are closed at once. */
  readonly maxHandshakes: number
  /** The same, of one IPv4 address or one IPv6 network of 64 bits. Loopback is exempt. */
  readonly maxHandshakesPerHost: number
  /** Connections accepted of one host; more are closed at once. Loopback is exempt. */
  readonly acceptRate: Rate
  /** Who may come in besides whom, by where they come from. */
  readonly admission: Admission.Options
  /** Live sessions, whoever dialled; `eviction` says how many are kept for peers of this node's own choice. */
  readonly maxSessions: number
  /** Who makes room when there are so many. */
  readonly eviction: Eviction.Policy
  /** What one peer may send unasked. */
  readonly rates: RateLimit.Limits
  /** Dials under way at once. */
  readonly maxDials: number
  /** Dials begun: so many at once, so many a second. */
  readonly dialRate: Rate
  /** Peers dialled at once for no other reason than that they were heard of; more are not taken. */
  readonly maxLearned: number
  /** Failures in a row after which such a peer is given up, and for how long it is not taken again then. */
  readonly learnedFailures: number
  readonly learnedMemory: number
  /** A timer that is late by more than this shows that the process or the machine stood still. */
  readonly standstill: number
  /** The follower of a pair waits this much at random before its first dial, so that crossing dials are rare. */
  readonly firstDialDelay: number
  /** What waits of one session for its handler, in bytes; when it is full nothing more is read. */
  readonly sessionQueue: number
  /**
   * Connections that one session may have, 8 at the most, where the peer wants as many: the handler of sessions decides
   * what they carry. Message delivery and gossip stay on the first.
   */
  readonly lanes: number
}

export const defaults: Config = {
  heartbeat: Heartbeat.profiles.default,
  redial: Redial.defaults,
  queue: SendQueue.defaults,
  handshakeTimeout: 10_000,
  writeTimeout: 10_000,
  lingerTimeout: 1_000,
  probeTimeout: 2_000,
  maxHandshakes: 64,
  maxHandshakesPerHost: 4,
  acceptRate: { burst: 5, perSecond: 5 },
  admission: Admission.defaults,
  maxSessions: 4_096,
  eviction: Eviction.defaults,
  rates: RateLimit.defaults,
  maxDials: 8,
  dialRate: { burst: 10, perSecond: 10 },
  maxLearned: 256,
  learnedFailures: 8,
  learnedMemory: 3_600_000,
  standstill: 5_000,
  firstDialDelay: 500,
  sessionQueue: 256 * 1024,
  lanes: 1
}

export const LinkConfig = Context.Reference<Config>("holdfast/services/link/LinkConfig", {
  defaultValue: () => defaults
})
