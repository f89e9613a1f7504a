/**
 * How a node asks referees for a verdict: once for `good` in the first ballot, if it is the one that has all promises, and after
 * that in ballots of its own, each of which asks what was voted before.
 *
 * A node asks for one verdict in a ballot and never for another. What it can be told at any time, twice or late, only counts for the
 * ballot that it has begun last.
 */
import type { NodeKey } from "../NodeKey.ts"
import type { Action } from "./Action.ts"
import { choice, isSame } from "./BallotChoice.ts"
import type { Digest } from "./Canonical.ts"
import type { CreditMessage } from "./CreditMessage.ts"
import { send } from "./LiftEvent.ts"
import { isPromised, isReady, withPromises } from "./LiftEvidence.ts"
import { majority } from "./LiftPlan.ts"
import { first, type LiftRecord, type Verdict, voteDigest } from "./LiftRecord.ts"
import type { Asking, LiftState } from "./LiftState.ts"
import { isSigned } from "./Signature.ts"
import type { Signer } from "./Signer.ts"

type Of<Tag extends CreditMessage["_tag"]> = Extract<CreditMessage, { readonly _tag: Tag }>

/** The state with what is asked now, and the record once there are enough votes. */
export interface Judged {
  readonly state: LiftState
  readonly actions: ReadonlyArray<Action>
  readonly record?: LiftRecord
}

/** Rounds that a ballot can have, at most. */
const mostRounds = 1_000_000

/** Sorted, so that it does not matter who has answered first. */
const byReferee = <A extends { readonly referee: NodeKey }>(all: ReadonlyArray<A>): ReadonlyArray<A> =>
  [...all].sort((one, other) => (one.referee < other.referee ? -1 : 1))

const toReferees = ({ plan }: LiftState, message: CreditMessage): ReadonlyArray<Action> =>
  plan.referees.map(({ key }) => send(key, message))

const decide = (state: LiftState, asking: Asking, verdict: Verdict): Judged => {
  const { against, authority, plan, promises } = state
  const message: Of<"Decide"> = {
    _tag: "Decide",
    plan,
    authority,
    ballot: asking.ballot,
    verdict,
    promises: verdict === "good" ? promises : [],
    ...(verdict === "void" && against !== undefined ? { against } : {}),
    ready: asking.ready
  }
  return { state: { ...state, asking: { ...asking, verdict } }, actions: toReferees(state, message) }
}

/** Asks for `good` in the first ballot; again if nothing else was asked meanwhile. All must have promised. */
export const askFirst = (state: LiftState): Judged => {
  if (state.round > 0) return { state, actions: [] }
  const votes = state.asking?.votes ?? []
  return decide(state, { ballot: first, ready: [], votes }, "good")
}

/** Begins a ballot behind all that this node knows of. */
export const begin = (state: LiftState, { key }: Signer): Judged => {
  const round = Math.min(mostRounds, state.round + 1)
  const ballot = { round, by: key }
  const { authority, plan } = state
  return {
    state: { ...state, round, asking: { ballot, ready: [], votes: [] } },
    actions: toReferees(state, { _tag: "Prepare", plan, authority, ballot })
  }
}

/** So many referees think that the time is over that it cannot become good any more, whatever this node's clock says. */
export const isLate = ({ late = [], plan }: LiftState): boolean => plan.referees.length - late.length < majority(plan)

/** What to ask for, as soon as that is clear. */
const wanted = (state: LiftState, asking: Asking, now: number): Verdict | undefined => {
  const { against, isDeclined = false, plan, promises } = state
  const chosen = choice(plan, asking.ready)
  if (chosen === "unclear") return undefined
  if (chosen === "void") return "void"
  const isOver = isDeclined || against !== undefined || now >= plan.expires || isLate(state)
  if (chosen === "free" && isOver) return "void"
  return isPromised(plan, promises) ? "good" : undefined
}

/** A referee is ready. None if that is nothing new. */
export const onReady = (state: LiftState, message: Of<"Ready">, now: number): Judged | undefined => {
  const { asking, plan } = state
  const { ballot, readiness } = message
  if (asking === undefined || asking.verdict !== undefined || !isSame(asking.ballot, ballot)) return undefined
  if (asking.ready.some(({ referee }) => referee === readiness.referee) || !isReady(plan, ballot, readiness)) {
    return undefined
  }
  const ready = byReferee([...asking.ready, readiness])
  const promises = withPromises(plan, state.promises, message.promises)
  const heard: LiftState = { ...state, promises, asking: { ...asking, ready } }
  const verdict = wanted(heard, { ...asking, ready }, now)
  return verdict === undefined ? { state: heard, actions: [] } : decide(heard, { ...asking, ready }, verdict)
}

const isVote = ({ plan }: LiftState, digest: Digest, { ballot, verdict, vote }: Of<"Voted">): boolean =>
  plan.referees.some(({ key }) => key === vote.referee) &&
  isSigned(vote.referee, "vote", voteDigest(digest, ballot, verdict), vote.sign)

/** A referee has voted. None if that is nothing new. */
export const onVoted = (state: LiftState, message: Of<"Voted">): Judged | undefined => {
  const { asking, authority, digest, plan, promises } = state
  const { ballot, verdict, vote } = message
  if (asking?.verdict !== verdict || !isSame(asking.ballot, ballot)) return undefined
  if (asking.votes.some(({ referee }) => referee === vote.referee)) return undefined
  if (!isVote(state, digest, message)) return undefined
  const votes = byReferee([...asking.votes, vote])
  const voted = { state: { ...state, asking: { ...asking, votes } }, actions: [] }
  if (votes.length < majority(plan)) return voted
  const record = { plan, authority, verdict, ballot, votes, promises: verdict === "good" ? promises : [] }
  return { ...voted, record }
}

/**
 * A referee is in a later ballot: the next one of this node will be behind that. Or the time is over by its clock. None if that is
 * nothing new.
 */
export const onUnvoted = (
  state: LiftState,
  { ballot, later, why }: Of<"Unvoted">,
  from: NodeKey
): Judged | undefined => {
  const { asking, late = [] } = state
  if (asking === undefined || !isSame(asking.ballot, ballot)) return undefined
  if (why === "too-late" && asking.verdict === "good" && !late.includes(from))
    return { state: { ...state, late: [...late, from] }, actions: [] }
  if (later === undefined || later.round <= state.round) return undefined
  return { state: { ...state, round: later.round }, actions: [] }
}
