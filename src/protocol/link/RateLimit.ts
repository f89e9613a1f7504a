/**
 * How much of what a peer may say unasked (docs/PROTOCOL.md, 4.5). One per session, pure but for its own counts.
 *
 * What was asked for never counts, so no peer is held to account for answering. Each class has a bucket of its own:
 * pings say nothing about pongs. Beyond it a frame is first delayed, and with it the reading, so that a peer which
 * means well is slowed down by its own socket; then dropped; then the session ends. It never bans.
 */
import { Kind } from "./Frame.ts"
import { type Rate, TokenBucket } from "./TokenBucket.ts"

/**
 * `control`: messages about the link. `gossip`: what may be lost. `question`: what has an answer and is asked a few times at once,
 * as the protocol of a chain says. `bulk`: what is only sent where it was asked for, which resuming a stream does, or where both
 * sides' programs have agreed on it; it has limits of its own.
 */
export type FrameClass = Metered | "bulk"
export type Metered = "ping" | "pong" | "control" | "gossip" | "question"

/** The class of a frame by its kind. Kinds that nobody knows count as gossip if they may be ignored. */
export const classOf = (kind: number): FrameClass => {
  switch (kind) {
    case Kind.Data:
    case Kind.Receipt:
    case Kind.Stream:
    case Kind.Headers:
    case Kind.Blocks:
      return "bulk"
    case Kind.Ask:
    case Kind.Want:
      return "question"
    case Kind.Tip:
      return "gossip"
    case Kind.Ping:
      return "ping"
    case Kind.Pong:
      return "pong"
    default:
      return kind >= Kind.Gossip ? "gossip" : "control"
  }
}

export interface ClassLimit extends Rate {
  /** Frames beyond the rate that are delayed until it allows them, counted since the bucket was last full. */
  readonly delays: number
  /** After those, frames that are dropped. One more ends the session. */
  readonly drops: number
}

export type Limits = Readonly<Record<Metered, ClassLimit>>

export const defaults: Limits = {
  ping: { perSecond: 10, burst: 50, delays: 50, drops: 50 },
  pong: { perSecond: 10, burst: 50, delays: 50, drops: 50 },
  control: { perSecond: 10, burst: 50, delays: 50, drops: 50 },
  // It may be lost, so too much of it is no offence, and waiting for it would hold up the rest. Topics have their own.
  gossip: { perSecond: 1_000, burst: 2_000, delays: 0, drops: Number.POSITIVE_INFINITY },
  // Who asks waits for the answer, so that none may be dropped, and few are under way at once. A fast sync asks for a hundred
  // chunks of blocks a second; beyond what nobody needs they are slowed down.
  question: { perSecond: 200, burst: 400, delays: Number.POSITIVE_INFINITY, drops: 0 }
}

export type Answer =
  | { readonly _tag: "Pass" }
  /** Handle the frame in so many milliseconds, and read nothing of this peer before. */
  | { readonly _tag: "Delay"; readonly millis: number }
  | { readonly _tag: "Drop" }
  /** Tell the peer and end the session; it is no reason for a ban. */
  | { readonly _tag: "Disconnect"; readonly detail: string }

const pass: Answer = { _tag: "Pass" }
const drop: Answer = { _tag: "Drop" }

interface Meter {
  readonly limit: ClassLimit
  readonly bucket: TokenBucket
  /** Frames beyond the rate since the bucket was last full. */
  beyond: number
}

export class RateLimit {
  readonly #limits: Limits
  /** Made when first needed: most sessions never say much. */
  readonly #meters: { -readonly [K in keyof Limits]?: Meter } = {}

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /**
   * What to do with the next frame. `solicited`: it answers something that this node has sent. `now` is in milliseconds
   * of a clock that does not go back.
   */
  step(frame: Metered, solicited: boolean, now: number): Answer {
    if (solicited) return pass
    const meter = (this.#meters[frame] ??= begun(this.#limits[frame], now))
    const { bucket, limit } = meter
    if (bucket.tokens(now) >= limit.burst) meter.beyond = 0
    if (bucket.take(now)) return pass
    meter.beyond++
    if (meter.beyond <= limit.delays) return { _tag: "Delay", millis: bucket.spend(now) }
    if (meter.beyond <= limit.delays + limit.drops) return drop
    const detail = `it sent more ${frame} frames than ${limit.perSecond} a second, and went on after ${limit.drops} were dropped`
    return { _tag: "Disconnect", detail }
  }
}

const begun = (limit: ClassLimit, now: number): Meter => ({ limit, bucket: new TokenBucket(limit, now), beyond: 0 })
