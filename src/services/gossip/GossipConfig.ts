/**
 * How a node gossips: whether at all, whether it tells where it is, and its limits.
 */
import { Context } from "effect"
import * as Announcements from "../../protocol/gossip/Announcements.ts"
import type { Rate } from "../../protocol/link/TokenBucket.ts"

export interface Config {
  /** Off: nothing is said, and what comes is thrown away unread. */
  readonly enabled: boolean
  /** Whether this node tells where it can be dialled, if it says so to its peers at all. */
  readonly announce: boolean
  /** Of the addresses of nodes. */
  readonly addresses: Announcements.Limits
  /** Frames of all other topics together that are taken from one peer; more are thrown away. */
  readonly topics: Rate
  /** What a reader of a topic may be behind; beyond it the oldest is dropped. */
  readonly readerQueue: number
}

export const defaults: Config = {
  enabled: true,
  announce: true,
  addresses: Announcements.defaults,
  topics: { burst: 200, perSecond: 100 },
  readerQueue: 64
}

export const GossipConfig = Context.Reference<Config>("holdfast/services/gossip/GossipConfig", {
  defaultValue: () => defaults
})
