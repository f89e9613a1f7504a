/**
 * Lifts at this node: what it promises is reserved on its halves under their locks, and moved or given back by the record alone, all
 * of it in one transaction.
 */
import { Clock, Effect, Random } from "effect"
import { type Unfit, unfit } from "../../protocol/credit/Action.ts"
import * as Capacity from "../../protocol/credit/Capacity.ts"
import type { ChitState } from "../../protocol/credit/ChitState.ts"
import type { CreditMessage } from "../../protocol/credit/CreditMessage.ts"
import { type End, endsAt, type Found } from "../../protocol/credit/LiftEnds.ts"
import type * as LiftEvent from "../../protocol/credit/LiftEvent.ts"
import * as LiftMachine from "../../protocol/credit/LiftMachine.ts"
import * as LiftPlan from "../../protocol/credit/LiftPlan.ts"
import type { LiftRecord } from "../../protocol/credit/LiftRecord.ts"
import type { LiftState } from "../../protocol/credit/LiftState.ts"
import * as LocalLift from "../../protocol/credit/LocalLift.ts"
import { other } from "../../protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { Identity } from "../link/Identity.ts"
import { Records } from "../Records.ts"
import { type Answer, acting, both, nothing, refusing } from "./Answer.ts"
import * as ChainDesk from "./ChainDesk.ts"
import { CreditConfig } from "./CreditConfig.ts"
import type { Mark } from "./CreditMeter.ts"
import * as Tables from "./CreditTables.ts"
import * as Halves from "./Halves.ts"
import { busy, mayRefuse } from "./Quotas.ts"

const tags: ReadonlySet<string> = new Set([
  "Promise",
  "Refusal",
  "Ended",
  "Inquire",
  "Ready",
  "Voted",
  "Unvoted"
] satisfies ReadonlyArray<LiftEvent.Message["_tag"]>)

/** Whether a message is this desk's. `Ended` and `Inquire` are for referees as well. */
export const isMessage = (message: CreditMessage): message is LiftEvent.Message => tags.has(message._tag)

/** The lift that a message is about, and the plan if it brings one. */
const about = (message: LiftEvent.Message): { readonly id: LiftPlan.LiftId; readonly plan?: LiftPlan.LiftPlan } => {
  if (message._tag === "Promise") return { id: message.plan.lift, plan: message.plan }
  if (message._tag === "Ended") return { id: message.record.plan.lift, plan: message.record.plan }
  return { id: message.lift }
}

const site = Effect.gen(function* () {
  const { key, sign } = yield* Identity
  return { key, sign, rules: yield* CreditConfig }
})

/** The half at an end of a leg, locked. */
const halfAt = Effect.fnUntraced(function* ({ legs }: LiftPlan.LiftPlan, { end, leg }: End) {
  const { by, from, tally, to } = legs[leg]!
  return yield* end === "from" ? Halves.addressed(tally, by, to) : Halves.addressed(tally, other(by), from)
})

/** Always in one order, so that two lifts over the same halves do not wait for each other. */
const inOrder = ({ legs }: LiftPlan.LiftPlan, ends: ReadonlyArray<End>): ReadonlyArray<End> =>
  ends.toSorted((one, two) => {
    const [a, b] = [legs[one.leg]!.tally, legs[two.leg]!.tally]
    return a < b ? -1 : a > b ? 1 : one.end < two.end ? -1 : 1
  })

const seen = (plan: LiftPlan.LiftPlan, end: End, half: TallyHalf): Found | undefined => {
  const { by } = plan.legs[end.leg]!
  const { document, holder, partner, side } = half
  if (document === undefined || partner === undefined || half.status !== "open") return undefined
  const hasRoom = Capacity.room(half, by, "lift") >= plan.units
  return { ...end, holder, side, partner: partner.agent, pledger: document[by].cert.public, hasRoom }
}

/** The halves of a plan at this node, locked. */
const found = Effect.fnUntraced(function* (plan: LiftPlan.LiftPlan, node: NodeKey) {
  const all: Array<Found> = []
  for (const end of inOrder(plan, endsAt(plan, node))) {
    const half = yield* halfAt(plan, end)
    const one = half && seen(plan, end, half)
    if (one !== undefined) all.push(one)
  }
  return all
})

/** Changes what a half holds for the leg; the half is locked. */
const hold = ({ legs, units }: LiftPlan.LiftPlan, leg: number, half: TallyHalf, sign: 1n | -1n): TallyHalf => {
  const direction = legs[leg]!.by === "foil" ? "up" : "down"
  return { ...half, sums: { ...half.sums, [direction]: half.sums[direction] + sign * units } }
}

const reserve = Effect.fnUntraced(function* (plan: LiftPlan.LiftPlan, end: End, now: number) {
  const records = yield* Records
  const half = yield* halfAt(plan, end)
  if (half === undefined) return
  yield* records.put(Tables.halves, hold(plan, end.leg, half, 1n))
  const core = LiftPlan.chitOf(plan, end.leg)
  const chit: ChitState = { holder: half.holder, core, status: "asked", revision: 1, changed: now }
  yield* records.put(Tables.chits, chit)
})

const release = Effect.fnUntraced(function* (plan: LiftPlan.LiftPlan, end: End, now: number) {
  const records = yield* Records
  const half = yield* halfAt(plan, end)
  if (half === undefined) return nothing
  const chit = yield* Halves.chit(half, LiftPlan.chitId(plan.lift, end.leg))
  if (chit?.status === "asked") {
    const gone: ChitState = { ...chit, status: "void", changed: now }
    yield* records.put(Tables.chits, gone)
  }
  return yield* ChainDesk.moved(half, hold(plan, end.leg, half, -1n))
})

/** The chit of an end is good, perhaps by the chain already. `isHeld`: it was reserved before. */
const settle = Effect.fnUntraced(function* (record: LiftRecord, end: End, isHeld: boolean) {
  const { plan } = record
  const half = yield* halfAt(plan, end)
  if (half === undefined) return nothing
  const free = isHeld ? hold(plan, end.leg, half, -1n) : half
  const chit = yield* Halves.chit(half, LiftPlan.chitId(plan.lift, end.leg))
  if (chit?.status === "good") return yield* ChainDesk.moved(half, free)
  yield* (yield* Records).put(Tables.halves, free)
  const { unfit: _, ...booked } = yield* ChainDesk.book(free, {
    chit: { core: LiftPlan.chitOf(plan, end.leg) },
    record
  })
  return booked
})

/** The lift has come to this status at this node. */
const markOf = Effect.fnUntraced(function* ({ plan, status }: LiftState, now: number) {
  const isOrigin = plan.payor.agent === (yield* Identity).key
  const mark: Mark = { _tag: "Lift", status, isOrigin, millis: Math.max(0, now - plan.date) }
  return mark
})

/** Stores what a step says, with all that it moves. */
const take = Effect.fnUntraced(function* (before: LiftState | undefined, result: LiftEvent.LiftStepped | Unfit) {
  if (result._tag === "Unfit") return refusing(result)
  const now = yield* Clock.currentTimeMillis
  const { actions, state } = result
  const { plan, record, wakeAt } = state
  yield* (yield* Records).put(Tables.lifts, state)
  for (const end of inOrder(plan, result.reserve)) yield* reserve(plan, end, now)
  let answer: Answer = {
    ...acting(actions),
    wakes: [{ what: "lift", id: plan.lift, at: wakeAt }],
    marks: before?.status === state.status ? [] : [yield* markOf(state, now)],
    changed: record === undefined ? [] : [plan.lift]
  }
  for (const end of inOrder(plan, result.release)) answer = both(answer, yield* release(plan, end, now))
  for (const end of record === undefined ? [] : inOrder(plan, result.settle)) {
    answer = both(answer, yield* settle(record!, end, before?.status === "promised"))
  }
  return answer
})

/** What this node has of a lift; nobody else changes it before the transaction ends. */
const known = Effect.fnUntraced(function* (id: LiftPlan.LiftId) {
  const records = yield* Records
  yield* records.claim(`credit lift ${id}`)
  return yield* records.get(Tables.lifts, [id])
})

/** What another node says of a lift, or this one to itself. */
export const hear = Effect.fnUntraced(function* (message: LiftEvent.Message, from: NodeKey) {
  const { id, plan } = about(message)
  const here = yield* site
  const state = yield* known(id)
  const all = message._tag === "Promise" && plan !== undefined ? yield* found(plan, here.key) : []
  const now = yield* Clock.currentTimeMillis
  const random = yield* Random.next
  const result = LiftMachine.step(here, state, { _tag: "Heard", from, message, found: all, now, random })
  const isNew = result._tag === "Stepped" && result.state.asker !== undefined && state === undefined
  if (isNew && !(yield* mayRefuse(from, now))) return busy
  return yield* take(state, result)
})

/** The payor's node begins a lift; one whose legs are all here is over at once. */
export const begin = Effect.fnUntraced(function* ({ authority, plan }: LiftPlan.SignedPlan) {
  const here = yield* site
  const state = yield* known(plan.lift)
  const all = yield* found(plan, here.key)
  const now = yield* Clock.currentTimeMillis
  const random = yield* Random.next
  if (LocalLift.isLocal(plan, here)) {
    if (state !== undefined) return refusing(unfit("stale", state.status, "this lift is known"))
    return yield* take(undefined, LocalLift.settleAtOnce(here, { authority, plan }, { found: all, now }))
  }
  const event: LiftEvent.Event = { _tag: "Begin", authority, plan, found: all, now, random }
  return yield* take(state, LiftMachine.step(here, state, event))
})

const passing = Effect.fnUntraced(function* (id: LiftPlan.LiftId, tag: "Abort" | "Wake") {
  const state = yield* known(id)
  const now = yield* Clock.currentTimeMillis
  if (tag === "Wake" && state?.status === "promised" && now - (state.wakeAt ?? now) > awayMillis) {
    const later = { ...state, wakeAt: now + backMillis }
    yield* (yield* Records).put(Tables.lifts, later)
    return { ...nothing, wakes: [{ what: "lift", id, at: later.wakeAt }] } satisfies Answer
  }
  const random = yield* Random.next
  return yield* take(state, LiftMachine.step(yield* site, state, { _tag: tag, now, random }))
})

/**
 * A node that comes to ask so much too late was away, and asks a little later: by then its links are back, and if its database was restored a
 * peer has shown that, so that it does not vote as a referee on what it has forgotten.
 */
const awayMillis = 10_000
const backMillis = 5_000

/** The payor does not want it any more. */
export const abort = (id: LiftPlan.LiftId) => passing(id, "Abort")
/** The time to ask has come. */
export const wake = (id: LiftPlan.LiftId) => passing(id, "Wake")
