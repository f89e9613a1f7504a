/**
 * What a desk gives back after it has stored what its machine said: what is still to be done in the same transaction.
 */
import type { Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Action, Unfit } from "../../protocol/credit/Action.ts"
import type { LiftId } from "../../protocol/credit/LiftPlan.ts"
import type { LiftRecord } from "../../protocol/credit/LiftRecord.ts"
import { isQuiet } from "../../protocol/credit/Quiet.ts"
import type { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Mark } from "./CreditMeter.ts"

/** When a lift, a query or a payment of this node, or what is shared with another one, is to be looked at again; never without a time. */
export interface Wake {
  readonly what: "lift" | "route" | "payment" | "repair"
  /** The lift's id, the payment's, the holder's and the query's with a blank between them, or the other node. */
  readonly id: string
  /** Milliseconds since 1970. */
  readonly at: number | undefined
}

export interface Answer {
  readonly actions: ReadonlyArray<Action>
  /** Records of lifts that this node has to take in. */
  readonly records: ReadonlyArray<LiftRecord>
  readonly wakes: ReadonlyArray<Wake>
  /** Nodes to which something may have to be said again. */
  readonly owing: ReadonlyArray<NodeKey>
  /** Queries that have begun here and were stored anew, and lifts that have begun here and ended: a payment may have waited for that. */
  readonly changed: ReadonlyArray<LiftId>
  /** What the meter counts once the transaction has committed. */
  readonly marks: ReadonlyArray<Mark>
  /** What the sender of the message, or the user, is told: it did not fit, or only in part. */
  readonly unfit?: Unfit
}

/** A piece of work of a desk, inside the caller's transaction. */
export type Work<R = never, A = Answer> = Effect.Effect<A, SqlError, R>

export const nothing: Answer = { actions: [], records: [], wakes: [], owing: [], changed: [], marks: [] }

export const acting = (actions: ReadonlyArray<Action>): Answer => ({ ...nothing, actions })

/** The partner of a half that has just been stored, as long as the half waits for it or has just got to know it. */
export const owingFor = (half: TallyHalf, before?: TallyHalf): ReadonlyArray<NodeKey> =>
  half.partner === undefined || (before?.partner !== undefined && isQuiet(half)) ? [] : [half.partner.agent]

/** What did not fit, with what is to be done nevertheless. */
export const refusing = (unfit: Unfit): Answer => ({ ...nothing, actions: unfit.actions, unfit })

/** What is to be done, where nobody is told that something did not fit. */
export const untold = (answer: Answer): Answer => {
  const { unfit: _, ...rest } = answer
  return rest
}

/** One after the other; the last one's objection counts. */
export const both = (one: Answer, other: Answer): Answer => {
  const unfit = other.unfit ?? one.unfit
  return {
    actions: [...one.actions, ...other.actions],
    records: [...one.records, ...other.records],
    wakes: [...one.wakes, ...other.wakes],
    owing: [...one.owing, ...other.owing],
    changed: [...one.changed, ...other.changed],
    marks: [...one.marks, ...other.marks],
    ...(unfit === undefined ? {} : { unfit })
  }
}
