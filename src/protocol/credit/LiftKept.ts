/**
 * What must hold of what a node, or a referee, keeps of a lift besides its verdict: that each signature in it is one, over its own plan,
 * and that referees have not signed the opposite as well.
 */
import type { NodeKey } from "../NodeKey.ts"
import type { Digest } from "./Canonical.ts"
import { type LiftPlan, nodes } from "./LiftPlan.ts"
import { type LiftRecord, type Promised, voteDigest } from "./LiftRecord.ts"
import type { LiftState } from "./LiftState.ts"
import type { Proofs } from "./Proofs.ts"
import type { RefereeState } from "./RefereeState.ts"
import { isSigned, type Signature } from "./Signature.ts"
import type { Expect } from "./Snapshot.ts"

interface Signed {
  readonly plan: LiftPlan
  readonly authority: Signature
  readonly digest: Digest
  readonly promises: ReadonlyArray<Promised>
  readonly contrary?: LiftRecord
}

const ofSigned = ({ authority, contrary, digest, plan, promises }: Signed, proofs: Proofs, expect: Expect): void => {
  const due = proofs.plan(plan)
  expect(due === digest, "I10", plan.lift, "The digest that is kept of its plan is another one.")
  expect(isSigned(plan.payorKey, "lift", due, authority), "I15", plan.lift, "Its payor has not signed its plan.")
  const members = new Set(nodes(plan))
  for (const { node, sign } of promises) {
    const isPromised = members.has(node) && isSigned(node, "promise", due, sign)
    expect(isPromised, "I15", plan.lift, `Node ${node} has not signed the promise that is kept of it.`)
  }
  expect(contrary === undefined, "I10", plan.lift, "Its referees have signed both verdicts.")
}

/** A lift as a node that takes part keeps it. */
export const ofLiftKept = (me: NodeKey, lift: LiftState, proofs: Proofs, expect: Expect): void => {
  const { plan, promises, status } = lift
  ofSigned(lift, proofs, expect)
  expect(nodes(plan).includes(me), "I15", plan.lift, "This node does not take part in it.")
  const isOwn = status !== "promised" || promises.some(({ node }) => node === me)
  expect(isOwn, "I10", plan.lift, "It is promised, and this node's own promise is not there.")
}

/** A lift as one of its referees keeps it. */
export const ofRefereed = (me: NodeKey, lift: RefereeState, proofs: Proofs, expect: Expect): void => {
  const { plan, promises, record, voted } = lift
  ofSigned(lift, proofs, expect)
  const isReferee = plan.referees.some(({ key }) => key === me)
  expect(isReferee, "I15", plan.lift, "This node is none of its referees.")
  const isSigner =
    voted === undefined || isSigned(me, "vote", voteDigest(proofs.plan(plan), voted.ballot, voted.verdict), voted.sign)
  expect(isSigner, "I15", plan.lift, "This referee has not signed the vote that is kept of it.")
  const isProved =
    voted?.verdict !== "good" || nodes(plan).every((node) => promises.some((promise) => promise.node === node))
  expect(isProved, "I10", plan.lift, "This referee has voted good, and not everybody has promised.")
  if (record === undefined) return
  const isOwn = proofs.plan(record.plan) === proofs.plan(plan)
  expect(isOwn && proofs.isVerdict(record), "I10", plan.lift, "Its record does not hold.")
}
