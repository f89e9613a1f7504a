/**
 * The end of a lift at one node: its record is kept, what was promised happens or does not, and the neighbours are told.
 */
import type { NodeKey } from "../NodeKey.ts"
import { type Action, type Unfit, unfit } from "./Action.ts"
import type { Cuid } from "./Chad.ts"
import { endsAt } from "./LiftEnds.ts"
import { type LiftStepped, send, type Site, still } from "./LiftEvent.ts"
import * as LiftPlan from "./LiftPlan.ts"
import { isValid, type LiftRecord } from "./LiftRecord.ts"
import type { LiftState } from "./LiftState.ts"
import { neighbours, place } from "./LiftWay.ts"

/** An event of a lift for one of its users, or for the operator. */
export const tell = (
  { lift, memo, payee, payor, units }: LiftPlan.LiftPlan,
  user: Cuid | undefined,
  kind: string,
  more: Readonly<Record<string, unknown>> = {}
): Action => ({
  _tag: "Tell",
  user,
  subject: lift,
  kind,
  body: { lift, units: String(units), payor, payee, memo: memo ?? null, ...more }
})

/** The payor and the payee, as far as they are users of this node; once where they are one. */
export const parties = ({ payee, payor }: LiftPlan.LiftPlan, node: NodeKey): ReadonlyArray<Cuid> => [
  ...new Set([payor, payee].flatMap(({ agent, cuid }) => (agent === node ? [cuid] : [])))
]

/** A valid record of this plan. `from`: who has sent it; nobody where it was made here, and then the referees are told as well. */
export const conclude = (site: Site, state: LiftState, record: LiftRecord, from?: NodeKey): LiftStepped => {
  const { asking: _asking, wakeAt: _wakeAt, ...rest } = state
  const { plan, status } = state
  const { verdict } = record
  const ends = endsAt(plan, site.key)
  const told = [
    ...neighbours(plan, site.key),
    ...(from === undefined ? plan.referees.map(({ key }) => key) : [])
  ].filter((node) => node !== from)
  return {
    _tag: "Stepped",
    state: { ...rest, status: verdict, record },
    actions: [
      ...[...new Set(told)].map((node) => send(node, { _tag: "Ended", record })),
      ...parties(plan, site.key).map((user) => tell(plan, user, `lift.${verdict}`))
    ],
    reserve: [],
    release: verdict === "void" && status === "promised" ? ends : [],
    settle: verdict === "good" ? ends : []
  }
}

/** A record that contradicts the one that is here: nothing moves, and both are kept. */
const freeze = (state: LiftState, contrary: LiftRecord): LiftStepped =>
  still({ ...state, contrary }, [tell(state.plan, undefined, "lift.contradiction", { verdict: state.status })])

/**
 * A node that knows nothing of a lift which it has promised: its database was restored to before that. The record holds its promise, so
 * that it binds; one for `void` changes nothing here.
 */
const remember = (site: Site, record: LiftRecord, from: NodeKey): LiftStepped | Unfit => {
  const { authority, plan, promises, verdict } = record
  if (verdict === "void") return unfit("stale", "unknown-lift", "nothing is known of this lift here")
  const digest = LiftPlan.digest(plan)
  const state: LiftState = {
    plan,
    authority,
    digest,
    status: "refused",
    promises,
    round: 0,
    attempts: 0
  }
  return conclude(site, state, record, from)
}

/** A record has come. */
export const onEnded = (
  site: Site,
  state: LiftState | undefined,
  record: LiftRecord,
  from: NodeKey
): LiftStepped | Unfit => {
  if (state?.record?.verdict === record.verdict) return unfit("stale", "ended", "this is known", state.status)
  if (place(record.plan, site.key) < 0) return unfit("refused", "not-in-plan", "the plan does not name this node")
  if (state !== undefined && LiftPlan.digest(record.plan) !== state.digest) {
    return unfit("refused", "other-plan", "another plan has this id", state.status)
  }
  if (state?.contrary !== undefined) return unfit("stale", "frozen", "the contradiction is known", state.status)
  if (!isValid(record)) return unfit("refused", "bad-record", "the record is not what its referees have voted")
  if (state === undefined) return remember(site, record, from)
  return state.record === undefined ? conclude(site, state, record, from) : freeze(state, record)
}
