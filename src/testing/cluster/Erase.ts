/**
 * A scenario's own services, put in where its parts run. What is left needs only what every node has, so that nodes
 * need not know which services those are.
 */
import { Context, Effect, Stream } from "effect"
import type { Handled } from "../../services/delivery/Protocol.ts"

/** Runs an effect with all the services that it needs, among whatever surrounds it. */
export const within = <A, E, R>(effect: Effect.Effect<A, E, R>, services: Context.Context<R>): Effect.Effect<A, E> =>
  Effect.updateContext(effect, (around: Context.Context<never>) => Context.merge(around, services))

/** A protocol whose handlers have these services, and need the others. */
export const handledWith = <Base, R>(protocol: Handled<Base | R>, own: Context.Context<R>): Handled<Base> => {
  const put = <A, E>(effect: Effect.Effect<A, E, Base | R>): Effect.Effect<A, E, Base> =>
    Effect.updateContext(effect, (around: Context.Context<Base>) => Context.merge(around, own))
  const { attention, handleAll, isStillNecessary, onExpired, onOutcome, onTimer } = protocol
  return {
    name: protocol.name,
    handle: (body, from) => put(protocol.handle(body, from)),
    handleAll: handleAll === undefined ? undefined : (received) => put(handleAll(received)),
    mostTogether: protocol.mostTogether,
    onOutcome: onOutcome === undefined ? undefined : (body, outcome, to) => put(onOutcome(body, outcome, to)),
    isStillNecessary: isStillNecessary === undefined ? undefined : (body, to) => put(isStillNecessary(body, to)),
    onExpired: onExpired === undefined ? undefined : (body, what) => put(onExpired(body, what)),
    attention: attention === undefined ? undefined : put(attention),
    onTimer: onTimer === undefined ? undefined : (payload, timer) => put(onTimer(payload, timer)),
    pending: (peer) => put(protocol.pending(peer)),
    onRestored: put(protocol.onRestored),
    audit: protocol.audit.map(({ flaws, what }) => ({
      what,
      flaws: Stream.updateContext(flaws, (around: Context.Context<Base>) => Context.merge(around, own))
    }))
  }
}
