/**
 * What a node that takes part in a lift hears of it later: that somebody refuses, what its neighbours ask, and what referees answer.
 *
 * A refusal ends nothing by itself: only a record does, which referees make.
 */
import type { NodeKey } from "../NodeKey.ts"
import { type Unfit, unfit } from "./Action.ts"
import type { Against, CreditMessage } from "./CreditMessage.ts"
import * as Judging from "./Judging.ts"
import { conclude } from "./LiftEnding.ts"
import { type Event, type LiftStepped, type Message, pause, send, type Site, still } from "./LiftEvent.ts"
import { isAgainst } from "./LiftEvidence.ts"
import * as LiftPlan from "./LiftPlan.ts"
import type { LiftState } from "./LiftState.ts"
import { neighbours, place } from "./LiftWay.ts"

/** A node will never promise. That ends nothing here, but it is a reason to ask for `void` soon. */
export const onRefusal = (
  site: Site,
  state: LiftState | undefined,
  { from, now }: { readonly from: NodeKey; readonly now: number },
  message: Extract<CreditMessage, { readonly _tag: "Refusal" }>
): LiftStepped | Unfit => {
  if (state === undefined) return unfit("stale", "unknown-lift", "nothing is known of this lift here")
  const { digest, plan, promises, record, status } = state
  if (message.plan !== digest) return unfit("refused", "other-plan", "another plan has this id", status)
  if (record !== undefined) return still(state, [send(from, { _tag: "Ended", record })])
  const no: Against = { node: message.node, why: "refusal", sign: message.sign }
  if (!isAgainst(plan, no)) return unfit("refused", "bad-signature", "the node has not signed that", status)
  if (status !== "promised" || state.against !== undefined) return unfit("stale", "refused", "this is known", status)
  const told = neighbours(plan, site.key).filter((node) => node !== from && promises.some((one) => one.node === node))
  const { asking, staggerMillis } = site.rules
  const soon = now + asking.baseMillis + staggerMillis * place(plan, site.key)
  return still(
    { ...state, against: no, reason: message.reason, wakeAt: Math.min(state.wakeAt ?? soon, soon) },
    told.map((node) => send(node, message))
  )
}

/** Another node of the plan, or a referee that may have forgotten it, asks for its end. */
export const onInquire = (state: LiftState | undefined, from: NodeKey, plan: string): LiftStepped | Unfit => {
  if (state === undefined || state.digest !== plan) return unfit("stale", "unknown-lift", "nothing is known of it")
  const { plan: known } = state
  const mayAsk = LiftPlan.nodes(known).includes(from) || known.referees.some(({ key }) => key === from)
  if (!mayAsk) return unfit("refused", "not-in-plan", "the plan does not name the sender")
  return still(state, state.record === undefined ? [] : [send(from, { _tag: "Ended", record: state.record })])
}

/** Whether the only referee says that it does not decide on this lift, which it then ends as soon as it is asked to. */
const isDeclined = ({ isDeclined, plan, status }: LiftState, message: Message): boolean =>
  message._tag === "Unvoted" &&
  message.why === "declined" &&
  plan.referees.length === 1 &&
  status === "promised" &&
  isDeclined !== true

/** A referee has answered. */
export const onAnswer = (
  site: Site,
  state: LiftState | undefined,
  { from, message, now, random }: Extract<Event, { readonly _tag: "Heard" }>
): LiftStepped | Unfit => {
  if (state === undefined) return unfit("stale", "unknown-lift", "nothing is known of this lift here")
  if (!state.plan.referees.some(({ key }) => key === from))
    return unfit("refused", "no-referee", "the sender is no referee of the plan")
  if ("plan" in message && message.plan !== state.digest)
    return unfit("refused", "other-plan", "another plan has this id")
  const soon = now + pause(site.rules, state.attempts, random)
  if (isDeclined(state, message)) {
    const begun = Judging.begin({ ...state, isDeclined: true }, site)
    return still({ ...begun.state, wakeAt: Math.min(state.wakeAt ?? soon, soon) }, begun.actions)
  }
  const judged =
    message._tag === "Ready"
      ? Judging.onReady(state, message, now)
      : message._tag === "Voted"
        ? Judging.onVoted(state, message)
        : message._tag === "Unvoted"
          ? Judging.onUnvoted(state, message, from)
          : undefined
  if (judged === undefined) return unfit("stale", "not-asked", "this is known, or was not asked for", state.status)
  if (judged.record !== undefined) return conclude(site, judged.state, judged.record)
  const isBlocked = message._tag === "Unvoted" && (message.why !== "too-late" || Judging.isLate(judged.state))
  if (!isBlocked || state.status !== "promised") return still(judged.state, judged.actions)
  return still({ ...judged.state, wakeAt: Math.min(state.wakeAt ?? soon, soon) }, judged.actions)
}
