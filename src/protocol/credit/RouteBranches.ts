/**
 * The tallies that a node has asked over for a query: the questions, and what their answers are worth.
 */
import { type Action, type Unfit, unfit } from "./Action.ts"
import { room } from "./Capacity.ts"
import type { Leg } from "./LiftPlan.ts"
import { mostSteps, type Way } from "./Route.ts"
import type { Found, None } from "./RouteEvent.ts"
import type { Edge } from "./RouteOutlet.ts"
import type { RouteState } from "./RouteState.ts"
import { isFirst } from "./RouteWay.ts"

type Branch = RouteState["branches"][number]

/** All of them open. */
export const opened = (edges: ReadonlyArray<Edge>): ReadonlyArray<Branch> =>
  edges.map((edge) => ({ ...edge, isOpen: true }))

/** The question over each branch. */
export const questions = ({ branches, expires, find, query, step, units }: RouteState): ReadonlyArray<Action> =>
  branches.map(({ agent, by, tally }) => ({
    _tag: "Send",
    to: agent,
    message: { _tag: "Query", query, find, units, step: step + 1, expires, tally, by }
  }))

/** Nothing comes over this tally. */
export const without = (state: RouteState, { by, tally }: Pick<Edge, "tally" | "by">): RouteState => ({
  ...state,
  branches: state.branches.map((one) => (one.tally === tally && one.by === by ? { ...one, isOpen: false } : one))
})

export const isOver = ({ branches }: RouteState): boolean => branches.every(({ isOpen }) => !isOpen)

/** Whether each branch has a way or has said that there is none: nothing more will be found. */
export const isSettled = ({ branches, ways }: RouteState): boolean =>
  branches.every(({ isOpen, tally }) => !isOpen || ways.some(({ legs }) => legs[0]?.tally === tally))

/** The state once an answer has said that there is no way; unfit if it answers what was asked at another step or time. */
export const denied = (state: RouteState, { message }: None): RouteState | Unfit => {
  const { asker, branches, expires, status, step } = state
  // The origin gathers ways over all of its branches; everybody else is done with the first one.
  const isOver = status !== "asking" && (status !== "found" || asker !== undefined)
  if (!branches.some(({ by, tally }) => tally === message.tally && by === message.by))
    return unfit("stale", "not-asked", "Nothing is asked over that tally.")
  if (isOver || message.expires !== expires || message.step !== step + 1)
    return unfit("stale", "overtaken", "What it answers was asked at another step or time.", String(step))
  return without(state, message)
}

/** The tallies that no way on may go over. */
const behind = ({ asker, closing }: RouteState): ReadonlyArray<string | undefined> => [asker?.tally, closing?.leg.tally]

/** The way of an answer, as far as it can be carried now; with less room than what was asked for if it is none any more. */
export const answered = (state: RouteState, { from, half, message, self }: Found): Way | Unfit => {
  const { legs, room: said } = message.way
  const first: Leg | undefined = legs[0]
  const branch = state.branches.find(({ by, tally }) => tally === message.tally && by === first?.by)
  if (branch === undefined || half === undefined || branch.agent !== from)
    return unfit("stale", "not-asked", "Nothing is asked over that tally.")
  const isFit =
    isFirst(self.agent, branch, legs) &&
    legs.length <= mostSteps - state.step &&
    legs.at(-1)?.to === state.find.agent &&
    !legs.some(({ tally }) => behind(state).includes(tally))
  if (!isFit) return unfit("refused", "not-a-way", "It is no way from here to whom was asked for.")
  const own = room(half, branch.by, "lift")
  return { legs, room: own < said ? own : said }
}
