/**
 * This node as a referee of lifts: every vote is stored before it leaves, and nothing of what was signed is ever forgotten.
 */
import { Clock, Effect } from "effect"
import type { CreditMessage } from "../../protocol/credit/CreditMessage.ts"
import type { LiftId } from "../../protocol/credit/LiftPlan.ts"
import { mostAheadMillis } from "../../protocol/credit/RefereeMemory.ts"
import * as RefereeMachine from "../../protocol/credit/RefereeMachine.ts"
import type { RefereeState } from "../../protocol/credit/RefereeState.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { Identity } from "../link/Identity.ts"
import { Records } from "../Records.ts"
import { acting, type Answer, refusing } from "./Answer.ts"
import { CreditConfig } from "./CreditConfig.ts"
import type { Mark } from "./CreditMeter.ts"
import * as Tables from "./CreditTables.ts"
import { busy, isUndecided } from "./Quotas.ts"

export type Message = RefereeMachine.Event["message"]

/** Whether a message is this desk's. `Ended` and `Inquire` are for the nodes of a plan as well. */
export const isMessage = (message: CreditMessage): message is Message =>
  message._tag === "Prepare" || message._tag === "Decide" || message._tag === "Inquire" || message._tag === "Ended"

const liftOf = (message: Message): LiftId => {
  if (message._tag === "Inquire") return message.lift
  return message._tag === "Ended" ? message.record.plan.lift : message.plan.lift
}

/** Whether this node has voted or can vote on the lift. */
export const isConcerned = Effect.fnUntraced(function* (message: Message) {
  const { key } = yield* Identity
  if (message._tag === "Prepare" || message._tag === "Decide") return true
  if (message._tag === "Ended") return message.record.plan.referees.some((one) => one.key === key)
  return (yield* (yield* Records).get(Tables.referees, [message.lift])) !== undefined
})

/** Whether there is anything to remember of it: what was asked in vain need not be kept. */
const isSigned = ({ ready, recall, record, voted }: RefereeState): boolean =>
  ready !== undefined || recall !== undefined || voted !== undefined || record !== undefined

/** This node's database was restored: what it has signed of plans up to now it may have forgotten. */
export const forget = Effect.gen(function* () {
  const until = (yield* Clock.currentTimeMillis) + mostAheadMillis
  const row: Tables.Horizon = { of: "referee", until }
  yield* (yield* Records).put(Tables.horizons, row)
})

/** Plans of these dates may have been voted on, and that forgotten; none where the database never was restored. */
const horizon = Effect.gen(function* () {
  const row = yield* (yield* Records).get(Tables.horizons, ["referee"])
  return row === undefined ? {} : { forgottenUntil: row.until }
})

/** A vote is one for each ballot; what it was told is decided once. */
const marksOf = (before: RefereeState | undefined, { record, voted }: RefereeState): ReadonlyArray<Mark> => [
  ...(voted === undefined || voted.sign === before?.voted?.sign
    ? []
    : [{ _tag: "Vote", verdict: voted.verdict } as const]),
  ...(record === undefined || before?.record !== undefined
    ? []
    : [{ _tag: "Decision", verdict: record.verdict } as const])
]

/** What another node says to this referee, or this node to itself. */
export const hear = Effect.fnUntraced(function* (message: Message, from: NodeKey) {
  const records = yield* Records
  const { key, sign } = yield* Identity
  const id = liftOf(message)
  yield* records.claim(`credit referee ${id}`)
  const state = yield* records.get(Tables.referees, [id])
  if (state === undefined && (yield* isUndecided(from))) return busy
  const now = yield* Clock.currentTimeMillis
  const { decidesFor } = yield* CreditConfig
  const decides = (node: NodeKey): boolean => node === key || decidesFor === "everybody" || decidesFor.has(node)
  const me = { key, sign, decidesFor: decides, ...(yield* horizon) }
  const result = RefereeMachine.step(me, state, { from, message, now })
  if (result._tag === "Unfit") return refusing(result)
  if (isSigned(result.state)) yield* records.put(Tables.referees, result.state)
  const answer: Answer = { ...acting(result.actions), marks: marksOf(state, result.state) }
  return answer
})
