/**
 * What may be voted in a ballot, by what a majority of the referees has voted before: the rule that keeps a verdict the only one.
 *
 * Referees are trusted to vote once a ballot; nodes that begin ballots are not. One of them may ask for both verdicts in its ballot, and
 * leave votes for both behind. Then neither is taken while the referees who were not heard could make it the verdict.
 */
import type { Readiness } from "./CreditMessage.ts"
import { type LiftPlan, majority } from "./LiftPlan.ts"
import { type Ballot, isBefore, type Verdict } from "./LiftRecord.ts"

/** `free`: nothing is decided in an earlier ballot, nor ever will be. `unclear`: more referees have to be heard. */
export type Choice = Verdict | "free" | "unclear"

/** Whether it is the same ballot. */
export const isSame = (one: Ballot, other: Ballot): boolean => !isBefore(one, other) && !isBefore(other, one)

/** `ready`: one of each referee, checked by `LiftEvidence.isReady` for the ballot in question. */
export const choice = (plan: LiftPlan, ready: ReadonlyArray<Readiness>): Choice => {
  if (ready.length < majority(plan)) return "unclear"
  const votes = ready.flatMap(({ voted }) => (voted === undefined ? [] : [voted]))
  const last = votes.reduce<Ballot | undefined>(
    (latest, { ballot }) => (latest === undefined || isBefore(latest, ballot) ? ballot : latest),
    undefined
  )
  if (last === undefined) return "free"
  const newest = votes.filter(({ ballot }) => isSame(ballot, last)).map(({ verdict }) => verdict)
  const [one] = newest
  if (one !== undefined && newest.every((verdict) => verdict === one)) return one
  const unheard = plan.referees.length - ready.length
  const possible = (["good", "void"] as const).filter(
    (verdict) => newest.filter((voted) => voted === verdict).length + unheard >= majority(plan)
  )
  const [only = "free"] = possible
  return possible.length > 1 ? "unclear" : only
}
