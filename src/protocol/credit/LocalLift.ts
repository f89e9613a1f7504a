/**
 * A lift whose legs are all between users of one node: it is good or refused in one transaction, and the node is its own referee, so
 * that its record is like any other.
 */
import { type Unfit, unfit } from "./Action.ts"
import { endsAt, type Found, problem } from "./LiftEnds.ts"
import { parties, tell } from "./LiftEnding.ts"
import type { LiftStepped, Site } from "./LiftEvent.ts"
import * as LiftPlan from "./LiftPlan.ts"
import { first, promise, vote } from "./LiftRecord.ts"
import type { LiftState } from "./LiftState.ts"
import { isSigned } from "./Signature.ts"

/** Whether the plan is this node's alone: it has all legs, and is the only referee. */
export const isLocal = (plan: LiftPlan.LiftPlan, { key }: Site): boolean =>
  plan.referees.length === 1 &&
  plan.referees[0]!.key === key &&
  plan.legs.every(({ from, to }) => from === key && to === key)

/** Settles it at once. `found`: both halves of every tally, under their locks. */
export const settleAtOnce = (
  site: Site,
  { authority, plan }: LiftPlan.SignedPlan,
  { found, now }: { readonly found: ReadonlyArray<Found>; readonly now: number }
): LiftStepped | Unfit => {
  const digest = LiftPlan.digest(plan)
  if (!isLocal(plan, site)) return unfit("refused", "not-local", "other nodes take part in it")
  if (!isSigned(plan.payorKey, "lift", digest, authority)) {
    return unfit("refused", "bad-authority", "the payor has not signed the plan")
  }
  const reason = now >= plan.expires ? "too-late" : problem(plan, site.key, found)
  if (reason !== undefined) return unfit("refused", reason, `the lift does not fit: ${reason}`)
  const promises = [promise(digest, site.key, site.sign)]
  const votes = [vote(digest, first, "good", site.key, site.sign)]
  const state: LiftState = {
    plan,
    authority,
    digest,
    status: "good",
    promises,
    round: 0,
    attempts: 0,
    record: { plan, authority, verdict: "good", ballot: first, votes, promises }
  }
  return {
    _tag: "Stepped",
    state,
    actions: parties(plan, site.key).map((user) => tell(plan, user, "lift.good")),
    reserve: [],
    release: [],
    settle: endsAt(plan, site.key)
  }
}
