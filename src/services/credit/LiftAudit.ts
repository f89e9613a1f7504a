/**
 * The audit of lifts, one by one: as a node that takes part keeps them, with their chits at this node, and as a referee does.
 */
import { Clock, Effect, Stream } from "effect"
import type { ChitState } from "../../protocol/credit/ChitState.ts"
import { endsAt } from "../../protocol/credit/LiftEnds.ts"
import { ofLift } from "../../protocol/credit/LiftInvariants.ts"
import { ofLiftKept, ofRefereed } from "../../protocol/credit/LiftKept.ts"
import { chitId, type LiftPlan } from "../../protocol/credit/LiftPlan.ts"
import type { LiftState } from "../../protocol/credit/LiftState.ts"
import { Proofs } from "../../protocol/credit/Proofs.ts"
import { other, type Side } from "../../protocol/credit/TallyDocument.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Examination, Flaw } from "../delivery/ProtocolAudit.ts"
import { Identity } from "../link/Identity.ts"
import type { Records } from "../Records.ts"
import * as RecordsAudit from "../RecordsAudit.ts"
import { CreditFlaws } from "./CreditFlaws.ts"
import * as Tables from "./CreditTables.ts"

/** How long after its time a lift may still be promised before that is told, in milliseconds. */
const patience = 3_600_000

/** The chits that a plan has at this node, with the sides of the halves that they are on. */
const chitsOf = Effect.fnUntraced(function* (plan: LiftPlan, me: NodeKey) {
  const found = new Map<ChitState, Side>()
  for (const { end, leg } of endsAt(plan, me)) {
    const { by, from, tally, to } = plan.legs[leg]!
    const at = end === "from" ? [tally, by, to] : [tally, other(by), from]
    const half = yield* RecordsAudit.first(Tables.halves, "side", at)
    if (half === undefined) continue
    const chit = yield* RecordsAudit.first(Tables.chits, "key", [half.holder, tally, chitId(plan.lift, leg)])
    if (chit !== undefined) found.set(chit, half.side)
  }
  return found
})

/** I16, as far as it can be seen: referees that nobody reaches. */
const overdue = ({ plan, status }: LiftState, now: number): ReadonlyArray<Flaw> => {
  const late = now - plan.expires
  if (status !== "promised" || late <= patience) return []
  const referees = plan.referees.map(({ host, key, port }) => `${key}@${host}:${port}`).join(", ")
  return [
    {
      name: "lift-overdue",
      about: `${Tables.lifts.name} [${plan.lift}]`,
      detail: `It is promised, holds ${plan.units} milli-CHIP, and was to end ${Math.round(late / 1_000)} s ago. (I16)`,
      fix: `It ends once more than half of its referees are reached: connect to ${referees}.`
    }
  ]
}

const looked = Effect.fnUntraced(function* (me: NodeKey, lift: LiftState) {
  const flaws = new CreditFlaws({ table: "credit_lifts" })
  const proofs = new Proofs()
  ofLiftKept(me, lift, proofs, flaws.expect)
  const chits = yield* chitsOf(lift.plan, me)
  ofLift({ agent: me }, lift, [...chits.keys()], (chit) => chits.get(chit), proofs, flaws.expect)
  return [...flaws.taken(), ...overdue(lift, yield* Clock.currentTimeMillis)]
})

export const lifts: Examination<Records | Identity> = {
  what: "lifts and their chits",
  flaws: Stream.unwrap(
    Effect.map(Identity, ({ key }) =>
      RecordsAudit.readable(Tables.lifts).pipe(
        Stream.flatMap((page) => Stream.fromIterable(page)),
        Stream.mapEffect((lift) => looked(key, lift)),
        Stream.flatMap((found) => Stream.fromIterable(found))
      )
    )
  )
}

export const referees: Examination<Records | Identity> = {
  what: "votes on lifts",
  flaws: Stream.unwrap(
    Effect.map(Identity, ({ key }) =>
      RecordsAudit.readable(Tables.referees).pipe(
        Stream.flatMap((page) => Stream.fromIterable(page)),
        Stream.flatMap((lift) => {
          const flaws = new CreditFlaws({ table: "credit_referees" })
          ofRefereed(key, lift, new Proofs(), flaws.expect)
          return Stream.fromIterable(flaws.taken())
        })
      )
    )
  )
}
