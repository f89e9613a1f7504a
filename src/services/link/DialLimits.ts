/**
 * Dials of a node, within its limits: so many under way at once, so many a second (docs/PROTOCOL.md, 6).
 */
import { Clock, Effect, type Scope, Semaphore } from "effect"
import type { Endpoint } from "../../protocol/Address.ts"
import { TokenBucket } from "../../protocol/link/TokenBucket.ts"
import { monotonic } from "../Monotonic.ts"
import { LinkConfig } from "./LinkConfig.ts"
import { type DialFailed, type Reached, Transport } from "./Transport.ts"

/** A socket, or nothing if the dial is not due any more when its turn comes. */
export type Connect = (
  endpoint: Endpoint,
  isDue: () => boolean
) => Effect.Effect<Reached | undefined, DialFailed, Scope.Scope>

export const make: Effect.Effect<Connect, never, Transport> = Effect.gen(function* () {
  const transport = yield* Transport
  const config = yield* LinkConfig
  const clock = yield* Clock.Clock
  const underWay = yield* Semaphore.make(config.maxDials)
  const rate = new TokenBucket(config.dialRate, monotonic(clock))
  return (endpoint, isDue) =>
    underWay.withPermit(
      Effect.gen(function* () {
        if (!isDue()) return undefined
        const wait = rate.spend(monotonic(clock))
        if (wait > 0) yield* Effect.sleep(wait)
        return isDue() ? yield* transport.dial(endpoint) : undefined
      })
    )
})
