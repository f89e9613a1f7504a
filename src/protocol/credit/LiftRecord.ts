/**
 * What ends a lift, for anybody to check: the plan, everybody's promises where it took place, and the referees' votes.
 *
 * Referees agree by the rounds of single-decree Paxos, so that one that is gone for good stops nothing while a majority lives:
 * round 0 can only be voted `good`, in any later one the vote follows from what a majority has said that it voted before.
 */
import { Schema } from "effect"
import { NodeKey } from "../NodeKey.ts"
import { type Digest, digestOf } from "./Canonical.ts"
import * as LiftPlan from "./LiftPlan.ts"
import { isSigned, type Purpose, Signature, signWith } from "./Signature.ts"

export const Verdict = Schema.Literals(["good", "void"])
export type Verdict = typeof Verdict.Type

/** The round of a vote: its number, and from 1 on who has begun it. Greater number first, then greater key. */
export const Ballot = Schema.Struct({
  round: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 })),
  by: Schema.optionalKey(NodeKey)
}).check(
  Schema.makeFilter(({ by, round }) => (by === undefined) === (round === 0), {
    message: "round 0 is nobody's, every later one is somebody's"
  })
)
export type Ballot = typeof Ballot.Type

/** The round that anybody may ask for who has all promises, and in which there is no vote but `good`. */
export const first: Ballot = { round: 0 }

export const isBefore = (one: Ballot, other: Ballot): boolean =>
  one.round < other.round || (one.round === other.round && (one.by ?? "") < (other.by ?? ""))

/** A node's promise, as a signature over the plan's digest. */
export const Promised = Schema.Struct({ node: NodeKey, sign: Signature })
export type Promised = typeof Promised.Type

/** A referee's vote, signed with the ballot and the verdict. */
export const Vote = Schema.Struct({ referee: NodeKey, sign: Signature })
export type Vote = typeof Vote.Type

export const LiftRecord = Schema.Struct({
  plan: LiftPlan.LiftPlan,
  authority: Signature,
  verdict: Verdict,
  ballot: Ballot,
  votes: Schema.Array(Vote).check(Schema.isMinLength(1), Schema.isMaxLength(LiftPlan.mostReferees)),
  /** Of all nodes of the plan, where the verdict is `good`; none otherwise. */
  promises: Schema.Array(Promised).check(Schema.isMaxLength(LiftPlan.mostLegs + 1))
})
export type LiftRecord = typeof LiftRecord.Type

type Sign = (message: Uint8Array) => Uint8Array

/** A node promises. */
export const promise = (plan: Digest, node: NodeKey, sign: Sign): Promised => ({
  node,
  sign: signWith(sign, "promise", plan)
})

/** What a referee signs when it votes. */
export const voteDigest = (plan: Digest, ballot: Ballot, verdict: Verdict): Digest =>
  digestOf({ plan, verdict, round: ballot.round, by: ballot.by ?? null })

export const vote = (plan: Digest, ballot: Ballot, verdict: Verdict, referee: NodeKey, sign: Sign): Vote => ({
  referee,
  sign: signWith(sign, "vote", voteDigest(plan, ballot, verdict))
})

/** Whether every one of `nodes` has signed, for this purpose, in `signed`. */
export const areSigned = (
  nodes: ReadonlyArray<NodeKey>,
  signed: ReadonlyArray<{ readonly node: NodeKey; readonly sign: Signature }>,
  purpose: Purpose,
  digest: Digest
): boolean =>
  nodes.every((node) => signed.some((one) => one.node === node && isSigned(node, purpose, digest, one.sign)))

/** Whether the record is a verdict of the plan's referees: enough of them have voted so, and for `good` everybody has promised. */
export const isValid = ({ authority, ballot, plan, promises, verdict, votes }: LiftRecord): boolean => {
  const digest = LiftPlan.digest(plan)
  if (ballot.round === 0 && verdict !== "good") return false
  if (!isSigned(plan.payorKey, "lift", digest, authority)) return false
  const voted = voteDigest(digest, ballot, verdict)
  const agreeing = plan.referees.filter(({ key }) =>
    votes.some(({ referee, sign }) => referee === key && isSigned(key, "vote", voted, sign))
  )
  if (agreeing.length < LiftPlan.majority(plan)) return false
  return verdict === "void" || areSigned(LiftPlan.nodes(plan), promises, "promise", digest)
}
