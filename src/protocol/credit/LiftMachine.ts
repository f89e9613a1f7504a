/**
 * A lift at one node of its plan: promise or refuse, pass on, and then wait for the record, which alone ends what was promised.
 *
 * Promises go along the legs; whoever has all asks the referees. A refusal goes back and to the referees at once. A plan that has
 * expired without a record ends nothing here: it only begins the asking, of the neighbours and the referees, which goes on
 * until one answers.
 * Every message may come late, twice, out of order or never.
 */
import type { NodeKey } from "../NodeKey.ts"
import { type Unfit, unfit } from "./Action.ts"
import type { Against, CreditMessage } from "./CreditMessage.ts"
import * as Judging from "./Judging.ts"
import { endsAt, type Found, problem } from "./LiftEnds.ts"
import { onEnded, parties, tell } from "./LiftEnding.ts"
import { type Event, type LiftStepped, pause, send, type Site, still } from "./LiftEvent.ts"
import { against, isPromised, withPromises } from "./LiftEvidence.ts"
import { onAnswer, onInquire, onRefusal } from "./LiftHearing.ts"
import * as LiftPlan from "./LiftPlan.ts"
import { promise, type Promised } from "./LiftRecord.ts"
import type { LiftState } from "./LiftState.ts"
import { before, neighbours, next, place } from "./LiftWay.ts"
import { isSigned } from "./Signature.ts"

type Of<Tag extends CreditMessage["_tag"]> = Extract<CreditMessage, { readonly _tag: Tag }>

/** What a node takes part in: the plan, as it was asked to promise it. */
interface Asked extends LiftPlan.SignedPlan {
  readonly promises: ReadonlyArray<Promised>
  readonly found: ReadonlyArray<Found>
  readonly now: number
}

const fresh = ({ authority, plan, promises }: Asked): Omit<LiftState, "status"> => ({
  plan,
  authority,
  digest: LiftPlan.digest(plan),
  promises,
  round: 0,
  attempts: 0
})

/** Why this node does not promise. None if it does. */
const objection = ({ key, rules }: Site, { found, now, plan }: Asked): string | undefined => {
  if (now > plan.expires - rules.marginMillis) return "too-late"
  if (now < plan.expires - LiftPlan.longestMillis) return "too-long"
  return rules.accepts(plan.referees) ? problem(plan, key, found) : "referees"
}

/** Passes on what is promised, or asks the referees where all is. */
const pass = ({ key }: Site, state: LiftState): Judging.Judged => {
  const { authority, plan, promises } = state
  if (isPromised(plan, promises)) return Judging.askFirst(state)
  const to = next(plan, key, promises)
  return { state, actions: to === undefined ? [] : [send(to, { _tag: "Promise", plan, authority, promises })] }
}

const take = (site: Site, asked: Asked): LiftStepped => {
  const { plan } = asked
  const digest = LiftPlan.digest(plan)
  const promises = withPromises(plan, asked.promises, [promise(digest, site.key, site.sign)])
  const behind = LiftPlan.nodes(plan).length - 1 - place(plan, site.key)
  const wakeAt = plan.expires + site.rules.staggerMillis * behind
  const { actions, state } = pass(site, { ...fresh({ ...asked, promises }), status: "promised", wakeAt })
  return { ...still(state, actions), reserve: endsAt(plan, site.key) }
}

/** The refusal of this node, which is in its state. */
const refusal = ({ digest, plan, reason = "" }: LiftState, { node, sign }: Against): CreditMessage => ({
  _tag: "Refusal",
  lift: plan.lift,
  plan: digest,
  node,
  reason,
  sign
})

const refuse = (site: Site, asked: Asked, reason: string, asker: NodeKey): LiftStepped => {
  const digest = LiftPlan.digest(asked.plan)
  const no = against(digest, "refusal", site)
  const { actions, state } = Judging.begin({ ...fresh(asked), status: "refused", reason, asker, against: no }, site)
  const back = before(asked.plan, site.key).filter((node) => asked.promises.some((one) => one.node === node))
  return still(state, [...back.map((node) => send(node, refusal(state, no))), ...actions])
}

/** The payor's node begins. A plan that it would refuse is not begun, and nothing of it is kept. */
const onBegin = (site: Site, state: LiftState | undefined, asked: Asked): LiftStepped | Unfit => {
  const { authority, plan } = asked
  const digest = LiftPlan.digest(plan)
  if (state !== undefined) {
    if (state.digest === digest) return unfit("stale", "begun", "this lift has begun", state.status)
    return unfit("refused", "other-plan", "another plan has this id", state.status)
  }
  if (LiftPlan.originator(plan) !== site.key) return unfit("refused", "not-originator", "it does not begin here")
  if (!isSigned(plan.payorKey, "lift", digest, authority)) {
    return unfit("refused", "bad-authority", "the payor has not signed the plan")
  }
  const reason = objection(site, asked)
  if (reason !== undefined) return unfit("refused", reason, `this node cannot promise the lift: ${reason}`)
  const begun = take(site, asked)
  const told = parties(plan, site.key).map((user) => tell(plan, user, "lift.begun"))
  return { ...begun, actions: [...begun.actions, ...told] }
}

/** Why a message with a plan is none that an honest node sends to this one. */
const falsehood = (
  { key }: Site,
  { authority, plan, promises }: Asked,
  from: NodeKey
): readonly [reason: string, detail: string] | undefined => {
  if (!before(plan, key).includes(from)) return ["not-neighbour", "no leg of the plan leads from the sender to here"]
  if (!isSigned(plan.payorKey, "lift", LiftPlan.digest(plan), authority)) {
    return ["bad-authority", "the payor has not signed the plan"]
  }
  const missing = LiftPlan.nodes(plan)
    .slice(0, place(plan, key))
    .some((node) => !promises.some((one) => one.node === node))
  return missing ? ["not-promised", "a node before this one has not promised"] : undefined
}

/**
 * Whether value comes over an open tally of this node's with the sender: what a plan says of tallies anybody can write. Where there is none
 * nothing is signed or kept, and nobody is asked.
 */
const isShared = (found: ReadonlyArray<Found>, from: NodeKey): boolean =>
  found.some(({ end, partner }) => end === "to" && partner === from)

/** Once more the same answer, with the promises that have come meanwhile. */
const again = (site: Site, state: LiftState, asked: Asked, from: NodeKey): LiftStepped => {
  if (state.record !== undefined) return still(state, [send(from, { _tag: "Ended", record: state.record })])
  if (state.status !== "promised") {
    return still(state, state.against === undefined ? [] : [send(from, refusal(state, state.against))])
  }
  const promises = withPromises(state.plan, state.promises, asked.promises)
  const passed = pass(site, { ...state, promises })
  return still(passed.state, passed.actions)
}

const onPromise = (
  site: Site,
  state: LiftState | undefined,
  event: Extract<Event, { readonly _tag: "Heard" }>,
  { authority, plan, promises }: Of<"Promise">
): LiftStepped | Unfit => {
  const { found, from, now } = event
  if (state !== undefined && LiftPlan.digest(plan) !== state.digest) {
    return unfit("refused", "other-plan", "another plan has this id", state.status)
  }
  const asked: Asked = { plan, authority, promises: withPromises(plan, [], promises), found, now }
  const lie = falsehood(site, asked, from)
  if (lie !== undefined) return unfit("refused", ...lie)
  if (state !== undefined) return again(site, state, asked, from)
  if (!isShared(found, from)) {
    return unfit("refused", "not-neighbour", "no open tally of the plan leads from the sender to here")
  }
  const reason = objection(site, asked)
  return reason === undefined ? take(site, asked) : refuse(site, asked, reason, from)
}

const onAbort = (
  site: Site,
  state: LiftState | undefined,
  { now, random }: Extract<Event, { readonly _tag: "Abort" }>
): LiftStepped | Unfit => {
  if (state === undefined || LiftPlan.originator(state.plan) !== site.key) {
    return unfit("refused", "not-originator", "it has not begun here")
  }
  if (state.status !== "promised") return unfit("stale", "ended", "this lift has ended", state.status)
  if (state.against !== undefined) return unfit("stale", "aborted", "this lift is to end already", state.status)
  const begun = Judging.begin({ ...state, against: against(state.digest, "abort", site) }, site)
  const soon = now + pause(site.rules, 0, random)
  return still({ ...begun.state, wakeAt: Math.min(state.wakeAt ?? soon, soon) }, begun.actions)
}

/** Asks once more, and says when it will ask again. */
const onWake = (
  site: Site,
  state: LiftState | undefined,
  { now, random }: Extract<Event, { readonly _tag: "Wake" }>
): LiftStepped | Unfit => {
  if (state === undefined || state.status !== "promised" || state.wakeAt === undefined) {
    return unfit("stale", "nothing-to-ask", "nothing is waited for", state?.status)
  }
  if (now < state.wakeAt) return unfit("stale", "too-early", "the time has not come", state.status)
  const { digest, plan } = state
  const attempts = state.attempts + 1
  const begun = Judging.begin({ ...state, attempts, wakeAt: now + pause(site.rules, attempts, random) }, site)
  const inquiry: CreditMessage = { _tag: "Inquire", lift: plan.lift, plan: digest }
  return still(begun.state, [
    ...neighbours(plan, site.key).map((node) => send(node, inquiry)),
    ...begun.actions,
    ...(attempts === site.rules.alarmAfter ? [tell(plan, undefined, "lift.pending", { attempts })] : [])
  ])
}

const onHeard = (
  site: Site,
  state: LiftState | undefined,
  event: Extract<Event, { readonly _tag: "Heard" }>
): LiftStepped | Unfit => {
  const { from, message } = event
  switch (message._tag) {
    case "Promise":
      return onPromise(site, state, event, message)
    case "Refusal":
      return onRefusal(site, state, event, message)
    case "Ended":
      return onEnded(site, state, message.record, from)
    case "Inquire":
      return onInquire(state, from, message.plan)
    default:
      return onAnswer(site, state, event)
  }
}

/** `state`: what this node has of the lift that the event is about, by its id; nothing if it has heard nothing of it. */
export const step = (site: Site, state: LiftState | undefined, event: Event): LiftStepped | Unfit => {
  switch (event._tag) {
    case "Begin":
      return onBegin(site, state, { ...event, promises: [] })
    case "Abort":
      return onAbort(site, state, event)
    case "Wake":
      return onWake(site, state, event)
    case "Heard":
      return onHeard(site, state, event)
  }
}
