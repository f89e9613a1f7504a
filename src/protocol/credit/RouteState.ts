/**
 * What a node keeps of a query for one of its users: of one that the user has begun, or of one that has come over a tally of theirs.
 */
import { Schema } from "effect"
import { Cuid, Person } from "./Chad.ts"
import { Leg, LiftId } from "./LiftPlan.ts"
import { mostSteps, QueryId, Way } from "./Route.ts"
import { Edge, mostBranches } from "./RouteOutlet.ts"
import { SomeUnits, Units } from "./Units.ts"

/** `waiting`: at the origin, for the next try; `found` and `none` have been said to whoever has asked. */
export const Status = Schema.Literals(["asking", "waiting", "found", "none"])

/** A tally that was asked, and has not answered that there is no way, as long as it is open. */
const Branch = Schema.Struct({ ...Edge.fields, isOpen: Schema.Boolean })

export const RouteState = Schema.Struct({
  holder: Cuid,
  query: QueryId,
  find: Person,
  /** The lift of a payment that waits for it; only at the origin. Nobody else learns of that id before the lift has begun. */
  lift: Schema.optionalKey(LiftId),
  units: SomeUnits,
  /** Tallies between the origin and here; 0 at the origin. It only falls, unless the origin tries again. */
  step: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: mostSteps })),
  /** Milliseconds since 1970, on the origin's clock. A later one is another try. */
  expires: Schema.Int,
  /** Whom to answer, and what the tally over which they have asked can carry; none at the origin. */
  asker: Schema.optionalKey(Schema.Struct({ ...Edge.fields, room: Units })),
  /** The tally over which value comes back to the user who has begun, where it is to go in a circle; `room` as the user's half has it. */
  closing: Schema.optionalKey(Schema.Struct({ leg: Leg, room: Units })),
  status: Status,
  branches: Schema.Array(Branch).check(Schema.isMaxLength(mostBranches)),
  /** What was found; but for the origin no more than one. */
  ways: Schema.Array(Way).check(Schema.isMaxLength(mostBranches)),
  /** At the origin: by the clock of somebody who was asked the time of a try was over, or too far off. */
  isUntimely: Schema.optionalKey(Schema.Boolean),
  /** Tries that nobody has answered. */
  tries: Schema.Natural,
  /** Milliseconds since 1970, on the own clock: when to look at it though nothing has come. */
  wakeAt: Schema.Int
})
export type RouteState = typeof RouteState.Type

/** Times in milliseconds. */
export interface Options {
  /** How long the origin waits for an answer. */
  readonly wait: number
  /** How far ahead of the own clock a query may expire that others have begun. */
  readonly mostWait: number
  /** How long what was found is kept. */
  readonly keep: number
  /** Tries in all, if nobody answers. */
  readonly tries: number
  /** What is waited for the second try; twice as much for each one after it, up to `retryCap`. */
  readonly retryBase: number
  readonly retryCap: number
}

export const defaults: Options = {
  wait: 30_000,
  mostWait: 300_000,
  keep: 3_600_000,
  tries: 5,
  retryBase: 5_000,
  retryCap: 300_000
}
