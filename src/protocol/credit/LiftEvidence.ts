/**
 * What nodes and referees sign of a lift besides promises and votes: why it cannot become good, and which ballot a referee is ready for.
 */
import { type Digest, digestOf } from "./Canonical.ts"
import type { Against, Readiness } from "./CreditMessage.ts"
import * as LiftPlan from "./LiftPlan.ts"
import { type Ballot, isBefore, type Promised } from "./LiftRecord.ts"
import { isSigned, signWith } from "./Signature.ts"
import type { Signer } from "./Signer.ts"

/** This node refuses, or as originator wants the lift to end; the same plan is never promised by it after that. */
export const against = (plan: Digest, why: Against["why"], { key, sign }: Signer): Against => ({
  node: key,
  why,
  sign: signWith(sign, why, plan)
})

/** Whether it is a reason for `void`: a refusal by any node of the plan, or the originator's wish. */
export const isAgainst = (plan: LiftPlan.LiftPlan, { node, sign, why }: Against): boolean => {
  const mayBe = why === "abort" ? node === LiftPlan.originator(plan) : LiftPlan.nodes(plan).includes(node)
  return mayBe && isSigned(node, why, LiftPlan.digest(plan), sign)
}

const readyDigest = (
  plan: Digest,
  { by = null, round }: { readonly by?: string | null; readonly round: number },
  voted: Readiness["voted"]
): Digest =>
  digestOf({
    plan,
    round,
    by,
    voted:
      voted === undefined ? null : { round: voted.ballot.round, by: voted.ballot.by ?? null, verdict: voted.verdict }
  })

/** A referee will vote in no ballot before this one any more, and says what it has voted last. */
export const readiness = (
  plan: Digest,
  ballot: Ballot,
  voted: Readiness["voted"],
  { key, sign }: Signer
): Readiness => ({
  referee: key,
  ...(voted === undefined ? {} : { voted }),
  sign: signWith(sign, "ready", readyDigest(plan, ballot, voted))
})

/** Whether it is of one of the plan's referees, for this ballot, and tells of an earlier vote if of any. */
export const isReady = (plan: LiftPlan.LiftPlan, ballot: Ballot, { referee, sign, voted }: Readiness): boolean =>
  plan.referees.some(({ key }) => key === referee) &&
  (voted === undefined || isBefore(voted.ballot, ballot)) &&
  isSigned(referee, "ready", readyDigest(LiftPlan.digest(plan), ballot, voted), sign)

/** The first of each node or referee. */
export const onePer = <A>(all: ReadonlyArray<A>, who: (one: A) => string): ReadonlyArray<A> => [
  ...new Map([...all].reverse().map((one) => [who(one), one])).values()
]

/** Those of `more` that are promises of nodes which have none in `known` yet, behind `known`. */
export const withPromises = (
  plan: LiftPlan.LiftPlan,
  known: ReadonlyArray<Promised>,
  more: ReadonlyArray<Promised>
): ReadonlyArray<Promised> => {
  const digest = LiftPlan.digest(plan)
  const all = [...known]
  for (const one of more) {
    const isNew = LiftPlan.nodes(plan).includes(one.node) && !all.some(({ node }) => node === one.node)
    if (isNew && isSigned(one.node, "promise", digest, one.sign)) all.push(one)
  }
  return all.sort((one, other) => (one.node < other.node ? -1 : 1))
}

/** Whether every node of the plan has promised. `promises` are checked already. */
export const isPromised = (plan: LiftPlan.LiftPlan, promises: ReadonlyArray<Promised>): boolean =>
  LiftPlan.nodes(plan).every((node) => promises.some((one) => one.node === node))
