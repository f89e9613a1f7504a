/**
 * What belongs to a payment over others: the ids of its tries, its lifts, the ways that it has not tried yet, and the plan over one.
 */
import { Clock, Effect, Schema } from "effect"
import type { Action } from "../../protocol/credit/Action.ts"
import type { Cuid } from "../../protocol/credit/Chad.ts"
import { digestOf } from "../../protocol/credit/Canonical.ts"
import { LiftId, LiftPlan, uuidOf } from "../../protocol/credit/LiftPlan.ts"
import * as Plan from "../../protocol/credit/LiftPlan.ts"
import { QueryId, type Way as FoundWay } from "../../protocol/credit/Route.ts"
import { Identity } from "../link/Identity.ts"
import { Records } from "../Records.ts"
import * as Tables from "./CreditTables.ts"
import * as Users from "./Users.ts"

export type Way = FoundWay["legs"]

/**
 * The id of the query for a lift. It follows from the lift's, and not the other way round: whoever is asked for a way could otherwise come with
 * another plan under the id of the lift before that begins, and nodes take the first plan of an id.
 */
export const queryOf = (lift: LiftId): QueryId => QueryId.make(uuidOf(digestOf({ query: lift })))

/** The lifts of the tries up to this one. */
const ids = ({ current, tried = [] }: Tables.Payment): ReadonlyArray<LiftId> => [...tried, current]

/** All lifts that have begun for it. */
export const lifts = Effect.fnUntraced(function* (payment: Tables.Payment) {
  const records = yield* Records
  const all = yield* Effect.forEach(ids(payment), (id) => records.get(Tables.lifts, [id]))
  return all.flatMap((one) => one ?? [])
})

/** A query that this user has begun; those of others that go over them are none of theirs. */
export const begun = Effect.fnUntraced(function* (user: Cuid, query: QueryId) {
  const route = yield* (yield* Records).get(Tables.routes, [user, query])
  return route?.asker === undefined ? route : undefined
})

const isWay = Schema.is(LiftPlan.fields.legs)

const nameOf = (way: Way): string => way.map(({ tally }) => tally).join(" ")

/** Ways that its queries have found with no lift over them yet, and over which there can be one. */
export const untried = Effect.fnUntraced(function* (payment: Tables.Payment) {
  const tried = new Set((yield* lifts(payment)).map(({ plan }) => nameOf(plan.legs)))
  const all = yield* Effect.forEach(ids(payment), (id) => begun(payment.user, queryOf(id)))
  const ways = all.flatMap((one) => one?.ways.map(({ legs }) => legs) ?? [])
  return ways.filter((legs) => isWay(legs) && !tried.has(nameOf(legs)))
})

/** The plan of its present lift, signed for the payor; none if the node does not sign for them. */
export const plan = Effect.fnUntraced(function* (payment: Tables.Payment, legs: Way) {
  const { current, expires, memo, ref, referees, to, units, user: cuid } = payment
  const user = yield* Users.get(cuid)
  if (user === undefined) return undefined
  const { key: agent } = yield* Identity
  const date = yield* Clock.currentTimeMillis
  const planned: LiftPlan = {
    version: 1,
    lift: current,
    legs,
    units,
    date,
    expires,
    referees,
    payor: { cuid, agent },
    payee: to,
    payorKey: user.certificate.public,
    ...(memo === undefined ? {} : { memo }),
    ...(ref === undefined ? {} : { ref })
  }
  const authority = yield* Users.sign(user, "lift", Plan.digest(planned), undefined)
  return authority === undefined ? undefined : { plan: planned, authority }
})

const kinds = { seeking: "begun", lifting: "begun", good: "good", void: "void", failed: "failed" } as const

/** An event of the payment for its user: `payment.begun`, or how it has ended. */
export const tell = ({ attempt, lift, memo, reason, status, to, units, user }: Tables.Payment): Action => ({
  _tag: "Tell",
  user,
  subject: lift,
  kind: `payment.${kinds[status]}`,
  body: { payment: lift, to, units: String(units), memo: memo ?? null, attempt, reason: reason ?? null }
})
