/**
 * The search for a way over which value can get from a user to another one, who may be anywhere: a query floods over tallies with room,
 * and the first way that is found comes back the way it was asked.
 *
 * Each user's node asks on over at most 10 tallies at a time, and again only if the query comes from nearer to its origin than before.
 * So whatever comes in which order, a way within 10 tallies is found if there is one and nobody has more than 10 with room; and one
 * query brings a user's node to send at most 90 queries, the origin 10, each of which brings one answer at the most. A bad partner can begin many
 * queries: how many at a time one tally may bring is for the service to limit. Nothing here is reserved; a way may be gone when it is
 * taken.
 *
 * A circle is a way to the partner on the tally over which value is to come back.
 */
import { unfit } from "./Action.ts"
import type { Found, None, Query, RouteEvent, RouteStep } from "./RouteEvent.ts"
import * as Origin from "./RouteOrigin.ts"
import * as Relay from "./RouteRelay.ts"
import { defaults, type Options, type RouteState } from "./RouteState.ts"

/** The message comes from the node at the other end of the tally, and is for this half of it. */
const isPartner = ({ from, half, message }: Query | Found | None): boolean => {
  if (half === undefined || half.status !== "open" || half.partner?.agent !== from) return false
  if (message._tag === "Found") return half.id === message.tally && half.side === message.way.legs[0]?.by
  return half.id === message.tally && (half.side === message.by) === (message._tag === "None")
}

export const step = (state: RouteState | undefined, event: RouteEvent, options: Options = defaults): RouteStep => {
  if (event._tag === "Begin") return Origin.begin(state, event, options)
  if (event._tag === "Look") {
    if (state === undefined || event.now < state.wakeAt) return unfit("stale", "too-early", "It is not time yet.")
    return state.asker === undefined ? Origin.look(state, event, options) : Relay.look(state)
  }
  if (!isPartner(event)) return unfit("refused", "not-a-partner", "The sender has no such tally with this user.")
  if (event._tag === "Query") return Relay.asked(state, event, options)
  if (state === undefined) return unfit("stale", "unknown-query", "Nobody here waits for that any more.")
  if (state.asker === undefined)
    return event._tag === "Found" ? Origin.found(state, event, options) : Origin.none(state, event, options)
  return event._tag === "Found" ? Relay.passOn(state, event) : Relay.deny(state, event)
}
