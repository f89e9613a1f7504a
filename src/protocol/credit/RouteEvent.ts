/**
 * What can happen to the search for a way, as one user's node sees it.
 */
import type { NodeKey } from "../NodeKey.ts"
import type { Stepped, Unfit } from "./Action.ts"
import type { Person } from "./Chad.ts"
import type * as CreditMessage from "./CreditMessage.ts"
import type { LiftId } from "./LiftPlan.ts"
import type { QueryId } from "./Route.ts"
import type { RouteState } from "./RouteState.ts"
import type { TallyHalf } from "./TallyHalf.ts"

interface Common {
  /** The user whose state it is, at this node. */
  readonly self: Person
  /** Milliseconds since 1970. */
  readonly now: number
}

/** The user's halves: those that are looked at for a way on. */
interface Onwards {
  readonly halves: Iterable<TallyHalf>
}

/** A message, from an agent that is known to be that; `half`: the user's half of its tally. */
interface Received extends Common {
  readonly from: NodeKey
  readonly half: TallyHalf | undefined
}

export interface Begin extends Common, Onwards {
  readonly _tag: "Begin"
  /** A new one. */
  readonly query: QueryId
  /** The lift of a payment that waits for it. */
  readonly lift?: LiftId
  readonly units: bigint
  /** Whom to find; or the user's half of the tally over which value is to come back. */
  readonly to: { readonly find: Person } | { readonly closing: TallyHalf }
}
export interface Query extends Received, Onwards {
  readonly _tag: "Query"
  readonly message: typeof CreditMessage.Query.Type
}
export interface Found extends Received {
  readonly _tag: "Found"
  readonly message: typeof CreditMessage.Found.Type
}
export interface None extends Received {
  readonly _tag: "None"
  /** Who was asked has refused the query because of its time. */
  readonly isUntimely?: boolean
  readonly message: typeof CreditMessage.None.Type
}
/** `wakeAt` of the state has come. */
export interface Look extends Common, Onwards {
  readonly _tag: "Look"
}

export type RouteEvent = Begin | Query | Found | None | Look

/** Without a state there is nothing to keep, or nothing any more. */
export type RouteStep = Stepped<RouteState | undefined> | Unfit
