/**
 * A referee of a lift: it votes, at most once in a ballot, and never again in one that is earlier than what it is ready for.
 *
 * The first ballot can only be voted `good`, with everybody's promise and before the plan expires by the referee's own clock. In later
 * ones the vote follows from what a majority has voted before, and where that leaves it free, from evidence: the promises in
 * time, a node's refusal, the originator's wish, or the time that is over. Once it knows the record it answers everything with that.
 *
 * On a lift of somebody for whom it does not decide it never begins with `good`, and votes `void` at once when it is asked to: what was
 * promised is then free again.
 */
import type { NodeKey } from "../NodeKey.ts"
import { type Stepped, stepped, type Unfit, unfit } from "./Action.ts"
import { choice, isSame } from "./BallotChoice.ts"
import type { CreditMessage } from "./CreditMessage.ts"
import { tell } from "./LiftEnding.ts"
import { send } from "./LiftEvent.ts"
import { isAgainst, isPromised, isReady, onePer, readiness, withPromises } from "./LiftEvidence.ts"
import * as LiftPlan from "./LiftPlan.ts"
import { type Ballot, isBefore, isValid, type Promised, vote } from "./LiftRecord.ts"
import { type Held, hold, mayBegin, mostAheadMillis } from "./RefereeMemory.ts"
import type { RefereeState } from "./RefereeState.ts"
import { isSigned } from "./Signature.ts"
import type { Signer } from "./Signer.ts"

type Of<Tag extends CreditMessage["_tag"]> = Extract<CreditMessage, { readonly _tag: Tag }>

export interface Event {
  readonly from: NodeKey
  readonly message: Of<"Prepare" | "Decide" | "Inquire" | "Ended">
  /** Milliseconds since 1970, by this referee's clock. */
  readonly now: number
}

/** A referee, and whose lifts its operator lets it decide on; everybody's unless said. */
export interface Referee extends Signer {
  readonly decidesFor?: (originator: NodeKey) => boolean
  /** It may have forgotten its votes on plans up to this date, milliseconds since 1970. */
  readonly forgottenUntil?: number
}

type Answer = Stepped<RefereeState> | Unfit

const votedAgain = (state: RefereeState, voted: NonNullable<RefereeState["voted"]>, me: NodeKey): CreditMessage => ({
  _tag: "Voted",
  lift: state.plan.lift,
  plan: state.digest,
  ballot: voted.ballot,
  verdict: voted.verdict,
  vote: { referee: me, sign: voted.sign }
})

const unvoted = ({ digest, plan, ready }: RefereeState, ballot: Ballot, why: Of<"Unvoted">["why"]): CreditMessage => ({
  _tag: "Unvoted",
  lift: plan.lift,
  plan: digest,
  ballot,
  why,
  ...(why === "later-ballot" && ready !== undefined ? { later: ready } : {})
})

const isOver = ({ ready }: RefereeState, ballot: Ballot): boolean => ready !== undefined && isBefore(ballot, ready)

const onPrepare = (
  me: Signer,
  state: RefereeState,
  { from, message: { ballot } }: Event & { readonly message: Of<"Prepare"> }
): Answer => {
  const { digest, plan, promises, voted } = state
  if (voted !== undefined && isSame(voted.ballot, ballot)) {
    return stepped(state, send(from, votedAgain(state, voted, me.key)))
  }
  if (isOver(state, ballot)) return stepped(state, send(from, unvoted(state, ballot, "later-ballot")))
  const ready = readiness(digest, ballot, voted, me)
  return stepped(
    { ...state, ready: ballot },
    send(from, { _tag: "Ready", lift: plan.lift, plan: digest, ballot, readiness: ready, promises })
  )
}

/** Why it may not vote so. None if it may. */
const objection = (
  { decidesFor = () => true }: Referee,
  { plan }: RefereeState,
  { against, ballot, ready, verdict }: Of<"Decide">,
  promises: ReadonlyArray<Promised>,
  now: number
): Of<"Unvoted">["why"] | undefined => {
  if (verdict === "good" && !isPromised(plan, promises)) return "no-evidence"
  const heard = onePer(ready, ({ referee }) => referee).filter((one) => isReady(plan, ballot, one))
  const chosen = ballot.round === 0 ? (verdict === "good" ? "free" : "unclear") : choice(plan, heard)
  if (chosen === verdict) return undefined
  if (chosen !== "free") return "no-evidence"
  const isDeclined = !decidesFor(LiftPlan.originator(plan))
  if (verdict === "good") return isDeclined ? "declined" : now < plan.expires ? undefined : "too-late"
  if (against !== undefined) return isAgainst(plan, against) ? undefined : "no-evidence"
  return now < plan.expires && !isDeclined ? "too-early" : undefined
}

/** Votes; where this one vote is all that it takes, there is the record. */
const cast = (
  me: Signer,
  state: RefereeState,
  { ballot, verdict }: Of<"Decide">,
  given: ReadonlyArray<Promised>
): RefereeState => {
  const { authority, plan } = state
  const promises = verdict === "good" ? given : []
  const mine = vote(state.digest, ballot, verdict, me.key, me.sign)
  const isAll = LiftPlan.majority(plan) === 1
  return {
    ...state,
    ...(ballot.round === 0 ? {} : { ready: ballot }),
    voted: { ballot, verdict, sign: mine.sign },
    promises,
    ...(isAll ? { record: { plan, authority, verdict, ballot, votes: [mine], promises } } : {})
  }
}

const onDecide = (
  me: Referee,
  state: RefereeState,
  { from, message, now }: Event & { readonly message: Of<"Decide"> }
): Answer => {
  const { ballot, verdict } = message
  const { voted } = state
  if (voted !== undefined && isSame(voted.ballot, ballot)) {
    if (voted.verdict === verdict) return stepped(state, send(from, votedAgain(state, voted, me.key)))
    return unfit("refused", "two-verdicts", "the same ballot was asked for the other verdict")
  }
  if (isOver(state, ballot) || (ballot.round === 0 && state.ready !== undefined)) {
    return stepped(state, send(from, unvoted(state, ballot, "later-ballot")))
  }
  const promises = withPromises(state.plan, [], message.promises)
  const why = objection(me, state, message, promises, now)
  if (why !== undefined) return stepped(state, send(from, unvoted(state, ballot, why)))
  const after = cast(me, state, message, promises)
  const { record } = after
  if (record !== undefined) return stepped(after, send(from, { _tag: "Ended", record }))
  return stepped(after, ...(after.voted === undefined ? [] : [send(from, votedAgain(after, after.voted, me.key))]))
}

const onEnded = (state: RefereeState | undefined, { record }: Of<"Ended">): Answer => {
  if (state === undefined) return unfit("stale", "unknown-lift", "nothing was asked of this lift here")
  if (state.record?.verdict === record.verdict || state.contrary !== undefined)
    return unfit("stale", "ended", "this is known")
  if (LiftPlan.digest(record.plan) !== state.digest) return unfit("refused", "other-plan", "another plan has this id")
  if (!isValid(record)) return unfit("refused", "bad-record", "the record is not what its referees have voted")
  if (state.record === undefined) return stepped({ ...state, record })
  return stepped(
    { ...state, contrary: record },
    tell(state.plan, undefined, "lift.contradiction", { verdict: state.record.verdict })
  )
}

/** Why it has nothing to do with whoever asks. Costs a signature's check where the lift is new. */
const stranger = (
  { key }: Signer,
  state: RefereeState | undefined,
  { from, message, now }: Event & { readonly message: Of<"Prepare" | "Decide"> }
): Unfit | undefined => {
  const { authority, ballot, plan } = message
  const digest = LiftPlan.digest(plan)
  if (state !== undefined && state.digest !== digest) return unfit("refused", "other-plan", "another plan has this id")
  if (!plan.referees.some((one) => one.key === key))
    return unfit("refused", "no-referee", "the plan does not name this node")
  if (!LiftPlan.nodes(plan).includes(from)) return unfit("refused", "not-in-plan", "the plan does not name the sender")
  const isFirst = message._tag === "Decide" && ballot.round === 0 && ballot.by === undefined
  if (!isFirst && !mayBegin(ballot, plan, state, { from, now }))
    return unfit("refused", "bad-ballot", "the sender cannot begin this ballot")
  if (plan.date > now + mostAheadMillis)
    return unfit("refused", "ahead", "the plan's date has not come yet by this referee's clock")
  const isAuthorised = state !== undefined || isSigned(plan.payorKey, "lift", digest, authority)
  return isAuthorised ? undefined : unfit("refused", "bad-authority", "the payor has not signed the plan")
}

/** `state`: what the referee has of the lift that the message is about, by its id. */
export const step = (me: Referee, state: RefereeState | undefined, event: Event): Answer => {
  const { from, message } = event
  if (message._tag === "Ended") return onEnded(state, message)
  if (message._tag === "Inquire") {
    if (state === undefined || state.digest !== message.plan)
      return unfit("stale", "unknown-lift", "nothing is known of it")
    return stepped(state, ...(state.record === undefined ? [] : [send(from, { _tag: "Ended", record: state.record })]))
  }
  const bad = stranger(me, state, { ...event, message })
  if (bad !== undefined) return bad
  if (state?.record !== undefined) return stepped(state, send(from, { _tag: "Ended", record: state.record }))
  const { authority, plan } = message
  const known: RefereeState = state ?? { plan, authority, digest: LiftPlan.digest(plan), asker: from, promises: [] }
  const { forgottenUntil } = me
  const held: Held =
    forgottenUntil === undefined || plan.date > forgottenUntil
      ? { state: known }
      : hold(known, forgottenUntil, me.key, { ...event, message })
  if (held.answer !== undefined) return stepped(held.state, ...held.answer)
  return message._tag === "Prepare"
    ? onPrepare(me, held.state, { ...event, message })
    : onDecide(me, held.state, { ...event, message })
}
