/**
 * What the machine of a lift is told, what it answers, and what a node's operator has set.
 */
import * as Backoff from "../Backoff.ts"
import type { NodeKey } from "../NodeKey.ts"
import type { Action, Stepped } from "./Action.ts"
import type { CreditMessage } from "./CreditMessage.ts"
import type { End, Found } from "./LiftEnds.ts"
import type { LiftPlan, SignedPlan } from "./LiftPlan.ts"
import type { LiftState } from "./LiftState.ts"
import type { Signer } from "./Signer.ts"

export type Message = Extract<
  CreditMessage,
  { readonly _tag: "Promise" | "Refusal" | "Ended" | "Inquire" | "Ready" | "Voted" | "Unvoted" }
>

interface Moment {
  /** Milliseconds since 1970, by this node's clock. */
  readonly now: number
  /** Uniform in [0, 1). */
  readonly random: number
}

/** `found`: the halves at this node of the tallies in the plan, as far as they are open; only `Begin` and `Promise` need them. */
export type Event =
  /** The payor's node begins. */
  | ({ readonly _tag: "Begin"; readonly found: ReadonlyArray<Found> } & SignedPlan & Moment)
  | ({
      readonly _tag: "Heard"
      readonly from: NodeKey
      readonly message: Message
      readonly found: ReadonlyArray<Found>
    } & Moment)
  /** The payor does not want it any more. Too late once it is good. */
  | ({ readonly _tag: "Abort" } & Moment)
  /** The time of `wakeAt` has come. */
  | ({ readonly _tag: "Wake" } & Moment)

/** Besides the new state: what becomes of the ends at this node, in the same transaction. */
export interface LiftStepped extends Stepped<LiftState> {
  readonly reserve: ReadonlyArray<End>
  /** Reserved before: it is not any more. */
  readonly release: ReadonlyArray<End>
  /** Its chit is good. Reserved before, unless this node's database was restored to before it promised. */
  readonly settle: ReadonlyArray<End>
}

export interface Rules {
  /** Nothing is promised later than so long before a plan expires: those behind need time as well. */
  readonly marginMillis: number
  /** Between one node's asking and the next one's, after a plan has expired. */
  readonly staggerMillis: number
  /** Between a node's asking and its asking again. */
  readonly asking: Backoff.Policy
  /** The operator is told of a lift that was asked for so often in vain. */
  readonly alarmAfter: number
  /** Whether the operator lets these referees decide. */
  readonly accepts: (referees: LiftPlan["referees"]) => boolean
}

export const defaults: Rules = {
  marginMillis: 2_000,
  staggerMillis: 500,
  asking: { baseMillis: 1_000, capMillis: 300_000 },
  alarmAfter: 6,
  accepts: () => true
}

/** A node, and its rules. */
export interface Site extends Signer {
  readonly rules: Rules
}

/** A step that moves no money. */
export const still = (state: LiftState, actions: ReadonlyArray<Action>): LiftStepped => ({
  _tag: "Stepped",
  state,
  actions,
  reserve: [],
  release: [],
  settle: []
})

export const send = (to: NodeKey, message: CreditMessage): Action => ({ _tag: "Send", to, message })

/** Until it asks again: at least half of what the back-off allows. */
export const pause = ({ asking }: Rules, attempts: number, random: number): number => {
  const half = Math.floor(Backoff.ceiling(asking, attempts) / 2)
  return half + Backoff.below(half, random)
}
