/**
 * Payments over other users' tallies: a way is looked for, a lift planned over it and signed for the payor, and the payment is good or
 * void with the lift's record, all in the transactions in which that becomes known.
 *
 * A lift that is void because somebody refused is followed by one over another way, as long as there is time, and under an id of
 * its own: no two of them can become good, since the next one begins when the one before it has its record.
 */
import { Clock, Effect, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import { unfit } from "../../protocol/credit/Action.ts"
import { isSamePerson, type Person } from "../../protocol/credit/Chad.ts"
import { LiftId, LiftPlan, type Referee } from "../../protocol/credit/LiftPlan.ts"
import type { LiftState } from "../../protocol/credit/LiftState.ts"
import type { RouteState } from "../../protocol/credit/RouteState.ts"
import { isSettled } from "../../protocol/credit/RouteBranches.ts"
import { Identity } from "../link/Identity.ts"
import { Records } from "../Records.ts"
import { type Answer, acting, both, nothing, refusing } from "./Answer.ts"
import * as Circle from "./Circle.ts"
import type { Command } from "./Command.ts"
import { CreditConfig } from "./CreditConfig.ts"
import * as Tables from "./CreditTables.ts"
import * as LiftDesk from "./LiftDesk.ts"
import * as Payments from "./Payments.ts"
import * as RouteDesk from "./RouteDesk.ts"
import type { Place } from "./Users.ts"

/** What is stored, and what is done besides. */
const put = Effect.fnUntraced(function* (payment: Tables.Payment, ...answers: ReadonlyArray<Answer>) {
  yield* (yield* Records).put(Tables.payments, payment)
  return answers.reduce(both, nothing)
})

/** Over: its timer is not needed any more, and the user is told. */
const end = Effect.fnUntraced(function* (payment: Tables.Payment, status: "good" | "void" | "failed", reason?: string) {
  const ended: Tables.Payment = { ...payment, status, ...(reason === undefined ? {} : { reason }) }
  const now = yield* Clock.currentTimeMillis
  const answer: Answer = {
    ...acting([Payments.tell(ended)]),
    wakes: [{ what: "payment", id: payment.lift, at: undefined }],
    marks: [{ _tag: "Payment", status, millis: Math.max(0, now - payment.begun) }]
  }
  return yield* put(ended, answer)
})

/** No way is left: void if there has been a lift. */
const giveUp = Effect.fnUntraced(function* (payment: Tables.Payment, reason: string) {
  const lifts = yield* Payments.lifts(payment)
  return yield* end(payment, lifts.length > 0 ? "void" : "failed", reason)
})

/** Why there is none, where it is because those that there were did not go. */
const whyNoWay = ({ failed }: Tables.Payment, route: RouteState | undefined): string =>
  failed ?? (route?.isUntimely === true ? "too-late" : "no-way")

/** Looks for a way, under the id of this try. */
const seek = Effect.fnUntraced(function* (payment: Tables.Payment) {
  const { attempt, current, to, units, user } = payment
  const { key: agent } = yield* Identity
  const isCircle = isSamePerson(to, { cuid: user, agent })
  const aim = isCircle ? yield* Circle.aim(user, units, attempt - 1) : { find: to }
  if (aim === undefined)
    return refusing(unfit("refused", "no-circle", "there is no tally over which it could come back"))
  const answer = yield* RouteDesk.begin(user, { query: Payments.queryOf(current), lift: current, units, to: aim })
  if (answer.unfit !== undefined) return answer
  return yield* put({ ...payment, status: "seeking" }, answer)
})

/** Begins the lift of this try over the first of these ways that it can begin over, if there is one. */
const over = Effect.fnUntraced(function* (payment: Tables.Payment, ways: ReadonlyArray<Payments.Way>) {
  for (const way of ways) {
    const signed = yield* Payments.plan(payment, way)
    const answer = signed && (yield* LiftDesk.begin(signed))
    if (answer !== undefined && answer.unfit === undefined) {
      return yield* put({ ...payment, status: "lifting" }, answer)
    }
  }
  return undefined
})

const fresh = Effect.gen(function* () {
  return LiftId.make(yield* (yield* SecureRandom.SecureRandom).uuidV7())
})

/** Goes on over another way that is known, or looks for one; over where there is no time left, or it was tried often enough. */
const next = Effect.fnUntraced(function* (payment: Tables.Payment, reason: string) {
  const now = yield* Clock.currentTimeMillis
  const { marginMillis } = yield* CreditConfig
  const { attempt, current, expires } = payment
  if (attempt >= Tables.mostAttempts || now > expires - marginMillis) return yield* giveUp(payment, reason)
  const tries = { attempt: attempt + 1, current: yield* fresh, tried: [...(payment.tried ?? []), current] }
  const again = { ...payment, ...tries, failed: reason }
  const begun = yield* over(again, yield* Payments.untried(again))
  if (begun !== undefined) return begun
  const answer = yield* seek(again)
  return answer.unfit === undefined ? answer : yield* giveUp(payment, reason)
})

/** The query of this try has ways, or has ended without. */
const onRoute = Effect.fnUntraced(function* (payment: Tables.Payment) {
  const route = yield* Payments.begun(payment.user, Payments.queryOf(payment.current))
  const ways = yield* Payments.untried(payment)
  const begun = yield* over(payment, ways)
  if (begun !== undefined) return begun
  if (ways.length > 0) return yield* next(payment, "no-room")
  const isOver = route === undefined || route.status === "none" || isSettled(route)
  if (!isOver) return nothing
  const isOnlyOne = !isSamePerson(payment.to, { cuid: payment.user, agent: (yield* Identity).key })
  // Value that cannot come back over one tally may over another.
  return yield* isOnlyOne ? giveUp(payment, whyNoWay(payment, route)) : next(payment, whyNoWay(payment, route))
})

/** The reasons of a node by whose clock a plan's time is over, or too far off. */
const untimely: ReadonlySet<string> = new Set(["too-late", "too-long"])

/** Why a lift is void. Who decides may end it before its time though nobody is known here to have refused. */
const whyVoid = Effect.fnUntraced(function* ({ against, plan, reason = "" }: LiftState) {
  if (against?.why === "refusal") return untimely.has(reason) ? "too-late" : "refused"
  return (yield* Clock.currentTimeMillis) < plan.expires ? "declined" : "expired"
})

/** The lift of this try has its record. */
const onLift = Effect.fnUntraced(function* (payment: Tables.Payment) {
  const lift = yield* (yield* Records).get(Tables.lifts, [payment.current])
  if (lift?.record === undefined) return nothing
  if (lift.record.verdict === "good") return yield* end(payment, "good")
  if (payment.reason !== undefined) return yield* end(payment, "void", payment.reason)
  return yield* next(payment, yield* whyVoid(lift))
})

/** The query or the lift with this id has changed: a payment that has waited for it goes on. */
export const look = Effect.fnUntraced(function* (current: LiftId) {
  const records = yield* Records
  const [found] = yield* records.page(Tables.payments, "current", { prefix: [current], limit: 1 })
  const payment = found && (yield* records.lock(Tables.payments, [found.lift]))
  if (payment?.current !== current) return nothing
  if (payment.status === "seeking") return yield* onRoute(payment)
  return payment.status === "lifting" ? yield* onLift(payment) : nothing
})

/** Its time is over. A lift that has begun ends with its record, whenever that comes. */
export const wake = Effect.fnUntraced(function* (id: LiftId) {
  const payment = yield* (yield* Records).lock(Tables.payments, [id])
  if (payment?.status !== "seeking") return nothing
  return yield* giveUp(
    payment,
    whyNoWay(payment, yield* Payments.begun(payment.user, Payments.queryOf(payment.current)))
  )
})

const isReferees = Schema.is(LiftPlan.fields.referees)

/** Who decides where the user has not said. */
const referees = Effect.fnUntraced(function* (place: Place | undefined) {
  const config = yield* CreditConfig
  if (config.referees.length > 0 || place === undefined) return config.referees
  const { key } = yield* Identity
  const own: Referee = { key, ...place }
  return [own]
})

export type Paying = Omit<Extract<Command, { readonly _tag: "PayOver" }>, "_tag" | "lift"> & { readonly lift: LiftId }

/** A payment with this id, or a lift, is there already. */
const isTaken = Effect.fnUntraced(function* (id: LiftId) {
  const records = yield* Records
  yield* records.claim(`credit payment ${id}`)
  const payment = yield* records.get(Tables.payments, [id])
  return payment !== undefined || (yield* records.get(Tables.lifts, [id])) !== undefined
})

/** A user pays. `place`: where this node is reached, as a referee. */
export const begin = Effect.fnUntraced(function* (user: Tables.User, paying: Paying, place: Place | undefined) {
  const { life, lift, referees: chosen, to, ...rest } = paying
  if (!user.isKept) return refusing(unfit("refused", "unsigned", "the user keeps their key: find ways and sign a plan"))
  const deciding = chosen ?? (yield* referees(place))
  if (!isReferees(deciding)) {
    return refusing(
      unfit("refused", "referees", "1, 3, 5 or 7 different nodes decide, and it must be known where they are")
    )
  }
  if (yield* isTaken(lift)) return refusing(unfit("stale", "known-lift", "there is a payment or a lift of this id"))
  const begun = yield* Clock.currentTimeMillis
  const { liftLifeMillis } = yield* CreditConfig
  const { agent, cuid } = user.certificate.chad
  const payee: Person = to ?? { cuid, agent }
  const expires = begun + (life ?? liftLifeMillis)
  const first = { ...rest, lift, current: lift, attempt: 1, user: cuid, to: payee, referees: deciding, begun, expires }
  const payment: Tables.Payment = { ...first, status: "seeking" }
  const answer = yield* seek(payment)
  if (answer.unfit !== undefined) return answer
  const waiting: Answer = { ...acting([Payments.tell(payment)]), wakes: [{ what: "payment", id: lift, at: expires }] }
  return both(waiting, answer)
})

const ended = refusing(unfit("stale", "ended", "this payment has ended"))

/** The payor does not want it any more. Too late once its lift is good. */
export const abort = Effect.fnUntraced(function* ({ current, lift, status }: Tables.Payment) {
  // The lift before the payment, as where a lift ends.
  const answer = status === "lifting" ? yield* LiftDesk.abort(current) : nothing
  const payment = yield* (yield* Records).lock(Tables.payments, [lift])
  if (payment === undefined || payment.current !== current || payment.status !== status) return ended
  if (status === "seeking") return yield* giveUp(payment, "aborted")
  if (status !== "lifting") return ended
  const { unfit: why, ...rest } = answer
  // To end it is asked for already, as after a refusal: then it is not tried again.
  const isEnding = why === undefined || why.reason === "aborted"
  return isEnding ? yield* put({ ...payment, reason: "aborted" }, rest) : answer
})
