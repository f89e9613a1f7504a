/**
 * A query that has come over a tally of a user's: the user is who was sought, or others of their tallies are asked.
 *
 * The question that came from nearest to the origin is the one that is answered: if the query comes again from nearer, everything is
 * asked anew with more steps to go, and who had asked before is told that there is no way. That keeps who asks whom free of circles.
 */
import type { NodeKey } from "../NodeKey.ts"
import { type Action, stepped, unfit } from "./Action.ts"
import { room } from "./Capacity.ts"
import type * as CreditMessage from "./CreditMessage.ts"
import { mostSteps, type Way } from "./Route.ts"
import * as Branches from "./RouteBranches.ts"
import type { Found, None, Query, RouteStep } from "./RouteEvent.ts"
import { isSamePerson, legFrom, outlets } from "./RouteOutlet.ts"
import type { Options, RouteState } from "./RouteState.ts"
import { behind } from "./RouteWay.ts"

type Question = typeof CreditMessage.Query.Type
type Asker = NonNullable<RouteState["asker"]>

const none = (to: NodeKey, { by, expires, query, step, tally }: Omit<Question, "_tag" | "find" | "units">): Action => ({
  _tag: "Send",
  to,
  message: { _tag: "None", query, tally, by, step, expires }
})

const found = (to: NodeKey, { query, tally }: Pick<Question, "query" | "tally">, way: Way): Action => ({
  _tag: "Send",
  to,
  message: { _tag: "Found", query, tally, way }
})

/** There is no way, for whoever has asked last. */
const refusal = ({ asker, expires, query, step }: RouteState): ReadonlyArray<Action> =>
  asker === undefined ? [] : [none(asker.agent, { ...asker, query, step, expires })]

/** Whoever has asked is answered at once: nothing is kept that was not before. */
const answer = (state: RouteState | undefined, action: Action): RouteStep => stepped(state, action)

export const asked = (state: RouteState | undefined, event: Query, options: Options): RouteStep => {
  const { from, half, message, now, self } = event
  const { by, expires, find, step, tally, units } = message
  const left = half === undefined ? 0n : room(half, by, "lift")
  const isTimely = now < expires && expires <= now + options.mostWait
  if (!isTimely) {
    const reason = now < expires ? "too-long" : "too-late"
    return unfit("refused", reason, "By this node's clock the time of the query is over, or too far off.")
  }
  if (left < units) return answer(state, none(from, message))
  if (isSamePerson(find, self)) {
    const leg = { tally, from, to: self.agent, by }
    return answer(state, found(from, message, { legs: [leg], room: left }))
  }
  if (step >= mostSteps) return answer(state, none(from, message))
  const asker: Asker = { tally, by, agent: from, room: left }
  if (state === undefined || (state.asker !== undefined && expires > state.expires))
    return adopt(undefined, asker, event)
  return again(state, asker, event)
}

/** A query that is known, in this try. */
const again = (state: RouteState, asker: Asker, event: Query): RouteStep => {
  const { from, message } = event
  const { expires, find, step, units } = message
  const isOther =
    state.asker === undefined || expires !== state.expires || units !== state.units || !isSamePerson(find, state.find)
  if (isOther) return answer(state, none(from, message))
  const isSameAsker = state.asker.tally === asker.tally && state.asker.by === asker.by
  // The answer may still be on its way to who asks again, from nearer or twice: none would overtake it.
  const way = isSameAsker ? state.ways[0] : undefined
  if (way !== undefined) return answer(state, found(from, message, way))
  if (isSameAsker && step === state.step && state.status === "asking")
    return unfit("stale", "asked", "It is being looked for.", String(step))
  if (step >= state.step || state.status === "found") return answer(state, none(from, message))
  return adopt(state, asker, event)
}

/** Asks on behalf of whoever has asked now, instead of who has before. */
const adopt = (before: RouteState | undefined, asker: Asker, { half, halves, message, self }: Query): RouteStep => {
  const { expires, find, query, step, tally, units } = message
  const state: RouteState = {
    holder: self.cuid,
    query,
    find,
    units,
    step,
    expires,
    asker,
    status: "asking",
    branches: Branches.opened(outlets(message, halves, { tally, partner: half?.partner })),
    ways: [],
    tries: 0,
    wakeAt: expires
  }
  // The former asker has stopped waiting where it is who asks now, from nearer.
  const isElsewhere = before?.status === "asking" && before.asker?.tally !== tally
  const told = before !== undefined && isElsewhere ? refusal(before) : []
  if (state.branches.length > 0) return stepped(state, ...told, ...Branches.questions(state))
  // Nowhere to ask: others may come from whose side there is, so nothing is kept unless something was.
  return stepped(before === undefined ? undefined : { ...state, status: "none" }, ...told, ...refusal(state))
}

/** The way goes to whoever has asked, its leg over their tally in front. */
export const passOn = (state: RouteState, event: Found): RouteStep => {
  const { asker, query } = state
  const { message, self } = event
  if (asker === undefined || state.status !== "asking")
    return unfit("stale", "answered", "The query was answered before.")
  const way = Branches.answered(state, event)
  if ("_tag" in way) return way
  if (way.room < state.units) return over(Branches.without(state, { tally: message.tally, by: way.legs[0]!.by }))
  const whole = behind(legFrom(asker.agent, { ...asker, agent: self.agent }), asker.room, way)
  return stepped({ ...state, status: "found", ways: [whole] }, found(asker.agent, { query, tally: asker.tally }, whole))
}

export const deny = (state: RouteState, event: None): RouteStep => {
  const next = Branches.denied(state, event)
  return "_tag" in next ? next : over(next)
}

/** The asker is told that there is no way once all branches have said so. */
const over = (state: RouteState): RouteStep =>
  Branches.isOver(state) ? stepped({ ...state, status: "none" }, ...refusal(state)) : stepped(state)

/** The time is over: the state goes, and who has asked is told if they still wait. */
export const look = (state: RouteState): RouteStep =>
  stepped(undefined, ...(state.status === "asking" ? refusal(state) : []))
