/**
 * Whom this node keeps out by its own will: neither lets in nor dials. Nobody by default.
 */
import { Clock, Context, Effect, Layer } from "effect"
import type { Endpoint } from "../../protocol/Address.ts"
import type * as Ban from "../../protocol/link/Ban.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { Bans, type Offender } from "./Bans.ts"

/** Why somebody is kept out, and for how many milliseconds: infinite until somebody changes it. */
export interface Kept {
  readonly reason: string
  readonly forMillis: number
}

export interface Gate {
  /** Milliseconds for which the peer is not dialled at this endpoint: 0 if it is. */
  readonly closedFor: (peer: NodeKey, endpoint: Endpoint) => number
  /** Why a peer at this IP address is not let in, if so. */
  readonly keptOut: (peer: NodeKey, host: string) => Kept | undefined
  /** Somebody did what nobody honest does. Returns at once. */
  readonly offended: (offence: Ban.Offence, by: Offender, detail: string) => void
}

/** Read once, while the services that ask are built. */
export const BanGate = Context.Reference<Gate>("holdfast/services/link/BanGate", {
  defaultValue: () => ({ closedFor: () => 0, keptOut: () => undefined, offended: () => undefined })
})

/** Keeps out who is banned, by key or by address. */
export const fromBans: Layer.Layer<never, never, Bans> = Layer.effect(
  BanGate,
  Effect.gen(function* () {
    const bans = yield* Bans
    const clock = yield* Clock.Clock
    const keptOut = (peer: NodeKey, host: string): Kept | undefined => {
      const ban = bans.ofPeer(peer) ?? bans.ofHost(host)
      if (ban === undefined) return undefined
      const until = ban.until ?? Number.POSITIVE_INFINITY
      return { reason: ban.reason, forMillis: Math.max(0, until - clock.currentTimeMillisUnsafe()) }
    }
    return {
      closedFor: (peer, { host }) => keptOut(peer, host)?.forMillis ?? 0,
      keptOut,
      offended: bans.report
    }
  })
)
