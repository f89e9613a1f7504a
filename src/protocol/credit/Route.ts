/**
 * A way for value from here to a user elsewhere: tallies one behind the other, each with room.
 */
import { Schema } from "effect"
import { UuidText } from "../Cbor.ts"
import * as LiftPlan from "./LiftPlan.ts"
import { Person } from "./Chad.ts"
import { Instant } from "./Instant.ts"
import { SomeUnits, Units } from "./Units.ts"

export const QueryId = UuidText.pipe(Schema.brand("QueryId"))
export type QueryId = typeof QueryId.Type

/** Tallies between a query's origin and what it finds, at most. */
export const mostSteps = 10

export const Query = Schema.Struct({
  query: QueryId,
  find: Person,
  /** What is to get there, in milli-CHIP: a way with less room is none. */
  units: SomeUnits,
  /** Tallies that it has gone over. */
  step: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: mostSteps })),
  /** After this nobody waits for an answer. */
  expires: Instant
})
export type Query = typeof Query.Type

/** A way, its first leg beginning at who is told of it, and how much can go over it at once. */
export const Way = Schema.Struct({
  legs: Schema.Array(LiftPlan.Leg).check(Schema.isMinLength(1), Schema.isMaxLength(LiftPlan.mostLegs)),
  room: Units
})
export type Way = typeof Way.Type
