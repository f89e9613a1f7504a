/**
 * What is written on a tally: a pledge of value, a setting of one side, or the part that the tally has in a lift.
 *
 * A chit is binding as soon as its issuer has signed it; that of a lift by the verdict on the lift. Its core, which is signed, never
 * changes: one id, one core.
 */
import { Schema } from "effect"
import { UuidText } from "../Cbor.ts"
import { type Digest, digestBy } from "./Canonical.ts"
import { shortText } from "./Certificate.ts"
import { Instant } from "./Instant.ts"
import { isSigned, Signature, type UserKey } from "./Signature.ts"
import { Side, TallyId } from "./TallyDocument.ts"
import { SomeUnits, Units } from "./Units.ts"

export const ChitId = UuidText.pipe(Schema.brand("ChitId"))
export type ChitId = typeof ChitId.Type

/**
 * The id of what a party writes. Those of version 8 are for the chits of lifts, which follow from lift and leg: a partner who could give one
 * to a pledge beforehand would take the place of what a lift is to put there.
 */
export const WrittenId = ChitId.check(
  Schema.makeFilter((id) => id[14] !== "8", {
    message: "a UUID that is not of version 8, which the chits of lifts have"
  })
)

/** What a side wants of its tally; what is left out stays as it is. Unilateral: the other side cannot refuse it. */
export const Settings = Schema.Struct({
  /** The balance that the side would like to hold in its favour, milli-CHIP. */
  target: Schema.optionalKey(Units),
  /** The most that lifts may bring the balance to in the side's favour, milli-CHIP. */
  bound: Schema.optionalKey(Units),
  /** No more than what settles the balance is written from now on, and at zero the tally is closed. Cannot be taken back. */
  close: Schema.optionalKey(Schema.Literal(true))
})
export type Settings = typeof Settings.Type

const common = {
  tally: TallyId,
  /** Who pledges, or whose setting it is. */
  by: Side,
  /** As its maker says; that of a lift's chit is the date of the lift's plan. */
  date: Instant
}

/** A pledge of its issuer: the balance moves by `units` towards the other side. */
export const Pledge = Schema.Struct({
  ...common,
  uuid: WrittenId,
  type: Schema.Literal("tran"),
  units: SomeUnits,
  memo: Schema.optionalKey(shortText(1_024)),
  /** What it refers to, such as the number of an order. */
  ref: Schema.optionalKey(shortText(1_024))
})
export const Setting = Schema.Struct({ ...common, uuid: WrittenId, type: Schema.Literal("set"), sets: Settings })
/** One leg of a lift. Its id follows from the lift and the leg: see `LiftPlan`. */
export const Lifted = Schema.Struct({
  ...common,
  uuid: ChitId,
  type: Schema.Literal("lift"),
  units: SomeUnits,
  lift: UuidText,
  leg: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 31 }))
})

export const Core = Schema.Union([Pledge, Setting, Lifted])
export type Core = typeof Core.Type

/** What is signed. */
export const digest: (core: Core) => Digest = digestBy(Core)

/** A chit with the signature of its issuer; that of a lift has none. */
export const Chit = Schema.Struct({ core: Core, sign: Schema.optionalKey(Signature) })
export type Chit = typeof Chit.Type

/** Whether its issuer, who signs with this key, has signed it. Never holds for the chit of a lift. */
export const isSignedBy = ({ core, sign }: Chit, key: UserKey): boolean =>
  core.type !== "lift" && sign !== undefined && isSigned(key, "chit", digest(core), sign)

/** By how much it moves the balance, which is positive where foil owes stock. */
export const effect = (core: Core): bigint => {
  if (core.type === "set") return 0n
  return core.by === "foil" ? core.units : -core.units
}
