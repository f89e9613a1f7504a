/**
 * One lift over the tallies of a line of nodes, and nothing else: the user of the first one pays that of the last one, over everybody
 * between them. What goes wrong is the plan's, so that it can strike at every event; the users try again until a lift is good.
 */
import { Clock, Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { Cuid } from "../../protocol/credit/Chad.ts"
import * as LiftPlan from "../../protocol/credit/LiftPlan.ts"
import { TallyId } from "../../protocol/credit/TallyDocument.ts"
import { Credit } from "../../services/credit/Credit.ts"
import * as Users from "../../services/credit/Users.ts"
import { Place } from "../cluster/Place.ts"
import type { Nodes, Self } from "../cluster/Scenario.ts"
import { type Cast, type Member, refereeOf, uuidOf } from "./CreditCast.ts"
import { personOf } from "./LiftWays.ts"
import { begin, open, put } from "./TallyOpening.ts"

/** Milli-CHIP of the lift, and of each limit. */
const [units, limit] = [70n, 1_000n]
/** Milliseconds: between two looks, and for which a plan may be promised. */
const [soon, life] = [30, 2_000]

/**
 * Who decides: the payee's node, all nodes (an odd number of them), or one that has no part in the lift, which is the last one.
 */
export type Deciding = "payee" | "all" | "stranger"

/** Everybody takes the word of who is before them. */
const lineOf = (nodes: Nodes): Cast => {
  const members = nodes.map(({ key, name }) => ({ node: name, agent: key, cuid: Cuid.make(`${name}1`) }))
  const bonds = members.slice(1).map((stock, at) => {
    const foil = members[at]!
    return { id: TallyId.make(uuidOf(`${foil.agent} ${stock.agent}`)), stock, foil, grants: { stock: limit, foil: 0n } }
  })
  return { members, bonds }
}

/** Without a stranger who decides. */
export const castOf = (nodes: Nodes, deciding: Deciding): Cast =>
  lineOf(deciding === "stranger" ? nodes.slice(0, -1) : nodes)

/** From the first to the last. */
const planOf = Effect.fnUntraced(function* ({ bonds, members }: Cast, referees: Nodes, payor: Member) {
  const user = yield* Users.get(payor.cuid)
  const payee = members.at(-1)
  if (user === undefined || payee === undefined) return undefined
  const date = yield* Clock.currentTimeMillis
  const plan: LiftPlan.LiftPlan = {
    version: 1,
    lift: LiftPlan.LiftId.make(yield* (yield* SecureRandom.SecureRandom).uuidV7()),
    legs: bonds.map(({ foil, id, stock }) => ({ tally: id, from: foil.agent, to: stock.agent, by: "foil" })),
    units,
    date,
    expires: date + life,
    referees: referees.map(refereeOf),
    payor: personOf(payor),
    payee: personOf(payee),
    payorKey: user.certificate.public
  }
  const authority = yield* Users.sign(user, "lift", LiftPlan.digest(plan), undefined)
  return authority && { plan, authority }
})

/** Begins a lift, and another one where the one before has come to nothing. */
const pay = Effect.fnUntraced(function* (cast: Cast, referees: Nodes, payor: Member) {
  const credit = yield* Credit
  const { count } = yield* Place
  let last: LiftPlan.LiftId | undefined
  for (;;) {
    const state = last && (yield* credit.lift(last))
    if (state?.status === "good") return count("lifts seen good by the payor")
    if (state?.status !== "promised") {
      const signed = yield* planOf(cast, referees, payor)
      const begun = signed && (yield* Effect.option(credit.run(payor.cuid, { _tag: "Lift", ...signed })))
      last = begun?._tag === "Some" ? signed?.plan.lift : undefined
    }
    yield* Effect.sleep(soon)
  }
})

const work = Effect.fnUntraced(function* ({ name }: Self, deciding: Deciding) {
  const { nodes } = yield* Place
  const cast = castOf(nodes, deciding)
  const me = cast.members.find(({ node }) => node === name)
  if (me === undefined) return
  yield* Effect.retry(put(me), { times: 20 })
  for (const bond of cast.bonds) if (bond.stock.node === name) yield* Effect.retry(begin(bond), { times: 20 })
  yield* open(cast, name, soon)
  const referees = deciding === "all" ? nodes : nodes.slice(-1)
  if (me.cuid === cast.members[0]?.cuid) yield* Effect.retry(pay(cast, referees, me), { times: 20 })
})

export const users = (deciding: Deciding) => (self: Self) =>
  Effect.provide(work(self, deciding), Layer.fresh(Credit.layer))
