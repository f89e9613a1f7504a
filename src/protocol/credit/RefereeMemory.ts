/**
 * A referee whose database was restored may have forgotten its votes on plans up to its horizon. What it signs on them now must not contradict
 * what it has signed then.
 *
 * Beside other referees it takes no part in them any more: to the others it is one that is gone. The only referee votes `good` on none
 * of them, so that only a forgotten `good` could be contradicted; and that every node of the plan has promised, and waits for a record. So it
 * votes `void` once each of them has asked anew, in a ballot that nobody can have begun before: who has the record asks for none, and
 * shows it. Where a node has signed that it refuses, there never was a `good`.
 */
import type { NodeKey } from "../NodeKey.ts"
import type { Action } from "./Action.ts"
import type { CreditMessage } from "./CreditMessage.ts"
import { send } from "./LiftEvent.ts"
import { isAgainst } from "./LiftEvidence.ts"
import * as LiftPlan from "./LiftPlan.ts"
import type { Ballot } from "./LiftRecord.ts"
import type { RefereeState } from "./RefereeState.ts"

type Of<Tag extends CreditMessage["_tag"]> = Extract<CreditMessage, { readonly _tag: Tag }>
type Recall = NonNullable<RefereeState["recall"]>

/** A plan whose date is farther ahead of a referee's clock, in milliseconds, it does not touch yet: so its horizon tells old ones from new ones. */
export const mostAheadMillis = 60_000

/** Rounds that are begun at once, and in a minute: more are nobody's who asks as it should, and would leave none to others. */
const roundsAtOnce = 256
const roundsAMinute = 8
const lastRound = 1_000_000

/** The greatest round that may have been begun of a plan at a time. */
const rounds = ({ date }: LiftPlan.LiftPlan, now: number): number =>
  roundsAtOnce + Math.floor(roundsAMinute * Math.max(0, (now - date) / 60_000))

/** Whether a node may begin this ballot now. Where others have to ask anew, the rounds are counted from there. */
export const mayBegin = (
  { by, round }: Ballot,
  plan: LiftPlan.LiftPlan,
  state: RefereeState | undefined,
  { from, now }: { readonly from: NodeKey; readonly now: number }
): boolean => by === from && round > 0 && round <= rounds(plan, now) + (state?.recall?.round ?? 0)

/** What the referee has of the lift now; and what it answers, where it does nothing else. */
export interface Held {
  readonly state: RefereeState
  readonly answer?: ReadonlyArray<Action>
}

interface Asked {
  readonly from: NodeKey
  readonly message: Of<"Prepare" | "Decide">
  readonly now: number
}

const unvoted = ({ digest, plan }: RefereeState, ballot: Ballot, later?: Ballot): Of<"Unvoted"> => ({
  _tag: "Unvoted",
  lift: plan.lift,
  plan: digest,
  ballot,
  ...(later === undefined ? { why: "forgotten" } : { why: "later-ballot", later })
})

/** Nobody has been heard since the restore; all nodes are asked for the record. */
const begun = (state: RefereeState, until: number, me: NodeKey, { from, message, now }: Asked): Held => {
  const { digest, plan } = state
  const round = Math.min(lastRound - roundsAtOnce, rounds(plan, now) + roundsAtOnce + (state.recall?.round ?? 0))
  const others = LiftPlan.nodes(plan).filter((node) => node !== me)
  return {
    state: { ...state, recall: { until, round, nodes: [] } },
    answer: [
      ...others.map((node) => send(node, { _tag: "Inquire", lift: plan.lift, plan: digest })),
      send(from, unvoted(state, message.ballot, { round, by: me }))
    ]
  }
}

/** Whether nobody can have a record for `good`. The referee's own node has forgotten what the referee has. */
const isOpen = ({ plan }: RefereeState, { nodes }: Recall, me: NodeKey, { against }: Of<"Decide">): boolean =>
  LiftPlan.nodes(plan).every((node) => node === me || nodes.includes(node)) ||
  (against?.why === "refusal" && isAgainst(plan, against))

/** Somebody asks about a plan that it has no record of, and may have voted on before `until`, milliseconds since 1970. */
export const hold = (state: RefereeState, until: number, me: NodeKey, asked: Asked): Held => {
  const { from, message } = asked
  const { ballot } = message
  const { recall } = state
  if (LiftPlan.majority(state.plan) > 1) return { state, answer: [send(from, unvoted(state, ballot))] }
  if (recall?.until !== until) return begun(state, until, me, asked)
  const { nodes, round } = recall
  if (ballot.round <= round) return { state, answer: [send(from, unvoted(state, ballot, { round, by: me }))] }
  const heard: Recall = { ...recall, nodes: nodes.includes(from) ? nodes : [...nodes, from] }
  const held = { ...state, recall: heard }
  if (message._tag === "Prepare") return { state: held }
  const isVoid = message.verdict === "void" && isOpen(held, heard, me, message)
  return isVoid ? { state: held } : { state: held, answer: [send(from, unvoted(state, ballot))] }
}
