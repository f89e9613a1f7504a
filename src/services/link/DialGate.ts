/**
 * Whom this node keeps out by its own will and therefore does not dial either. Nobody by default.
 */
import { Clock, Context, Effect, Layer } from "effect"
import type { Endpoint } from "../../protocol/Address.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { Bans } from "./Bans.ts"

export interface Gate {
  /** Milliseconds for which the peer is not dialled at this endpoint: 0 if it is, infinite until somebody changes it. */
  readonly closedFor: (peer: NodeKey, endpoint: Endpoint) => number
}

/** Read once, while the supervisor is built. */
export const DialGate = Context.Reference<Gate>("holdfast/services/link/DialGate", {
  defaultValue: () => ({ closedFor: () => 0 })
})

/** Keeps from dialling who is banned, by key or by address. */
export const fromBans: Layer.Layer<never, never, Bans> = Layer.effect(
  DialGate,
  Effect.gen(function* () {
    const bans = yield* Bans
    const clock = yield* Clock.Clock
    return {
      closedFor: (peer, { host }) => {
        const ban = bans.ofPeer(peer) ?? bans.ofHost(host)
        if (ban === undefined) return 0
        return ban.until === undefined
          ? Number.POSITIVE_INFINITY
          : Math.max(0, ban.until - clock.currentTimeMillisUnsafe())
      }
    }
  })
)
