/**
 * What a desk gives back after it has stored what its machine said: what is still to be done in the same transaction.
 */
import type { Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Action, Unfit } from "../../protocol/credit/Action.ts"
import type { LiftRecord } from "../../protocol/credit/LiftRecord.ts"

/** When a lift or a query of this node is to be looked at again; never without a time. */
export interface Wake {
  readonly what: "lift" | "route"
  /** The lift's id, or the holder's and the query's with a blank between them. */
  readonly id: string
  /** Milliseconds since 1970. */
  readonly at: number | undefined
}

export interface Answer {
  readonly actions: ReadonlyArray<Action>
  /** Records of lifts that this node has to take in. */
  readonly records: ReadonlyArray<LiftRecord>
  readonly wakes: ReadonlyArray<Wake>
  /** What the sender of the message, or the user, is told: it did not fit, or only in part. */
  readonly unfit?: Unfit
}

/** A piece of work of a desk, inside the caller's transaction. */
export type Work<R = never, A = Answer> = Effect.Effect<A, SqlError, R>

export const nothing: Answer = { actions: [], records: [], wakes: [] }

export const acting = (actions: ReadonlyArray<Action>): Answer => ({ ...nothing, actions })

/** What did not fit, with what is to be done nevertheless. */
export const refusing = (unfit: Unfit): Answer => ({ ...nothing, actions: unfit.actions, unfit })

/** One after the other; the last one's objection counts. */
export const both = (one: Answer, other: Answer): Answer => {
  const unfit = other.unfit ?? one.unfit
  return {
    actions: [...one.actions, ...other.actions],
    records: [...one.records, ...other.records],
    wakes: [...one.wakes, ...other.wakes],
    ...(unfit === undefined ? {} : { unfit })
  }
}
