/**
 * A query that a user of this node has begun: asked over their tallies, again after a while if nobody has answered, and kept for some time
 * with the ways that were found.
 *
 * Events for the user: `route.found` with the first way of a query, `route.none` once there is none.
 */
import * as Backoff from "../Backoff.ts"
import { type Action, type Stepped, stepped, type Unfit, unfit } from "./Action.ts"
import { room } from "./Capacity.ts"
import type { Way } from "./Route.ts"
import * as Branches from "./RouteBranches.ts"
import type { Begin, Found, Look, None, RouteStep } from "./RouteEvent.ts"
import { isSamePerson, outlets } from "./RouteOutlet.ts"
import type { Options, RouteState } from "./RouteState.ts"
import { before, isSame } from "./RouteWay.ts"
import { other } from "./TallyDocument.ts"

/** Whom to find, and the leg that follows where it is a circle. */
const goal = ({ self, to, units }: Begin): Pick<RouteState, "find" | "closing"> | Unfit => {
  if ("find" in to) {
    if (!isSamePerson(to.find, self)) return { find: to.find }
    return unfit("refused", "no-circle", "A way to oneself needs a tally over which value comes back.")
  }
  const { closing } = to
  const by = other(closing.side)
  const left = room(closing, by, "lift")
  if (closing.partner === undefined || left < units)
    return unfit("refused", "no-room", "Not so much can come back over that tally.")
  const { agent, cuid } = closing.partner
  const leg = { tally: closing.id, from: agent, to: self.agent, by }
  return { find: { agent, cuid }, closing: { leg, room: left } }
}

export const begin = (state: RouteState | undefined, event: Begin, options: Options): RouteStep => {
  if (state !== undefined) return unfit("stale", "begun", "The query has begun.")
  const aim = goal(event)
  if ("_tag" in aim) return aim
  const { lift, now, query, self, units } = event
  return ask(
    {
      holder: self.cuid,
      query,
      ...aim,
      ...(lift === undefined ? {} : { lift }),
      units,
      step: 0,
      expires: now,
      status: "asking",
      branches: [],
      ways: [],
      tries: 0,
      wakeAt: now
    },
    event,
    options
  )
}

/** One try, over the tallies that have room now. */
const ask = (last: RouteState, { halves, now }: Begin | Look, options: Options): Stepped<RouteState> => {
  const except = last.closing === undefined ? {} : { tally: last.closing.leg.tally }
  // Never the same time twice: it tells tries apart.
  const expires = Math.max(now + options.wait, last.expires + 1)
  const branches = Branches.opened(outlets(last, halves, except))
  const state: RouteState = { ...last, status: "asking", branches, expires, wakeAt: expires, tries: last.tries + 1 }
  return branches.length === 0 ? ended(state, now, options) : stepped(state, ...Branches.questions(state))
}

const tell = (
  { find, holder, query, units }: RouteState,
  kind: string,
  more: Readonly<Record<string, unknown>>
): Action => ({
  _tag: "Tell",
  user: holder,
  subject: query,
  kind,
  body: { query, find, units: String(units), ...more }
})

/** There is no way, or nobody knows one. It is kept for a late answer, as long as one try takes. */
const ended = (state: RouteState, now: number, options: Options): Stepped<RouteState> =>
  stepped(
    { ...state, status: "none", wakeAt: now + options.wait },
    tell(state, "route.none", { isSure: Branches.isOver(state) })
  )

/** An answer counts whenever it comes: the way was there a moment ago. */
export const found = (state: RouteState, event: Found, options: Options): RouteStep => {
  const heard = Branches.answered(state, event)
  if ("_tag" in heard) return heard
  const { message, now } = event
  const { closing } = state
  const way: Way = closing === undefined ? heard : before(closing.leg, closing.room, heard)
  if (way.room < state.units)
    return over(Branches.without(state, { tally: message.tally, by: heard.legs[0]!.by }), now, options)
  if (state.ways.some((one) => isSame(one, way))) return unfit("stale", "known", "That way is known.")
  const ways = [...state.ways, way].slice(0, state.branches.length)
  const next: RouteState = { ...state, status: "found", ways, wakeAt: now + options.keep }
  const first = { room: String(way.room), legs: way.legs }
  return state.ways.length > 0 ? stepped(next) : stepped(next, tell(next, "route.found", first))
}

export const none = (state: RouteState, event: None, options: Options): RouteStep => {
  const next = Branches.denied(state, event)
  if ("_tag" in next) return next
  return over(event.isUntimely === true ? { ...next, isUntimely: true } : next, event.now, options)
}

const over = (state: RouteState, now: number, options: Options): RouteStep =>
  state.status === "asking" && Branches.isOver(state) ? ended(state, now, options) : stepped(state)

/** A try is over that somebody has not answered, the time for the next one has come, or that to forget it all. */
export const look = (state: RouteState, event: Look, options: Options): RouteStep => {
  const { now } = event
  if (state.status === "waiting") return ask(state, event, options)
  if (state.status !== "asking") return stepped(undefined)
  if (state.tries >= options.tries) return ended(state, now, options)
  const { retryBase: baseMillis, retryCap: capMillis } = options
  const wait = Backoff.ceiling({ baseMillis, capMillis }, state.tries - 1)
  return stepped({ ...state, status: "waiting", wakeAt: now + wait })
}
