/**
 * What a lift is to move, over which tallies, and who decides: fixed before anybody promises, and signed by the payor.
 *
 * Value goes along the legs from payor to payee; on each leg the party that it comes from pledges it to the other. A payment has two
 * ends; a circular lift begins and ends with the same user and changes nobody's worth. A node that several legs touch takes part once.
 */
import { Schema } from "effect"
import { Endpoint } from "../Address.ts"
import { UuidText } from "../Cbor.ts"
import { NodeKey } from "../NodeKey.ts"
import { type Digest, digestBy, digestOf } from "./Canonical.ts"
import { shortText } from "./Certificate.ts"
import { Person } from "./Chad.ts"
import { type Core, ChitId } from "./Chit.ts"
import { Instant } from "./Instant.ts"
import { Signature, UserKey } from "./Signature.ts"
import { Side, TallyId } from "./TallyDocument.ts"
import { SomeUnits } from "./Units.ts"

export const LiftId = UuidText.pipe(Schema.brand("LiftId"))
export type LiftId = typeof LiftId.Type

/** Legs of a lift, at most. */
export const mostLegs = 12
/** Referees of a lift, at most. */
export const mostReferees = 7

/**
 * The longest time between a plan's date and its end, in milliseconds, and the longest that anybody promises ahead: what is promised is held so
 * long where a node of the plan is silent, and referees grant rounds by the time since the date.
 */
export const longestMillis = 86_400_000

/** A tally that value goes over, from one node's user to another's. The nodes may be one and the same. */
export const Leg = Schema.Struct({
  tally: TallyId,
  from: NodeKey,
  to: NodeKey,
  /** The side that value comes from, which pledges. */
  by: Side
})
export type Leg = typeof Leg.Type

/** A node that decides, and where it is reached. */
export const Referee = Schema.Struct({ key: NodeKey, host: Endpoint.fields.host, port: Endpoint.fields.port })
export type Referee = typeof Referee.Type

const isOdd = Schema.makeFilter((all: ReadonlyArray<unknown>) => all.length % 2 === 1, {
  message: "an odd number of referees"
})

const isJoined = Schema.makeFilter(
  (legs: ReadonlyArray<Leg>) => legs.every(({ from }, index) => index === 0 || legs[index - 1]?.to === from),
  { message: "each leg begins where the one before it ends" }
)
const isOnce = Schema.makeFilter(
  (legs: ReadonlyArray<Leg>) => new Set(legs.map(({ tally }) => tally)).size === legs.length,
  {
    message: "no tally twice"
  }
)
const isDistinct = Schema.makeFilter(
  (referees: ReadonlyArray<Referee>) => new Set(referees.map(({ key }) => key)).size === referees.length,
  { message: "no referee twice" }
)

export const LiftPlan = Schema.Struct({
  version: Schema.Literal(1),
  lift: LiftId,
  legs: Schema.Array(Leg).check(Schema.isMinLength(1), Schema.isMaxLength(mostLegs), isJoined, isOnce),
  units: SomeUnits,
  /** When it was planned, which is the date of its chits, and until when it can be promised and decided. */
  date: Instant,
  expires: Instant,
  referees: Schema.Array(Referee).check(Schema.isMinLength(1), Schema.isMaxLength(mostReferees), isOdd, isDistinct),
  payor: Person,
  payee: Person,
  /** The key that the payor signs with, as in the certificate of the first leg's tally. */
  payorKey: UserKey,
  memo: Schema.optionalKey(shortText(1_024)),
  ref: Schema.optionalKey(shortText(1_024))
}).check(
  Schema.makeFilter(({ legs, payee, payor }) => payor.agent === legs[0]?.from && payee.agent === legs.at(-1)?.to, {
    message: "the first leg begins at the payor's agent, the last one ends at the payee's"
  }),
  Schema.makeFilter(({ date, expires }) => expires - date <= longestMillis, {
    message: "a plan that expires within a day of its date"
  })
)
export type LiftPlan = typeof LiftPlan.Type

/** With the lift's id this is what everybody promises, refuses and decides; the payor signs it. */
export const digest = digestBy(LiftPlan)

/** A plan that its payor wants. */
export const SignedPlan = Schema.Struct({ plan: LiftPlan, authority: Signature })
export type SignedPlan = typeof SignedPlan.Type

/** The nodes that take part, each once, in the order in which value reaches them. */
export const nodes = ({ legs }: LiftPlan): ReadonlyArray<NodeKey> => {
  const all = new Set<NodeKey>()
  for (const { from, to } of legs) all.add(from).add(to)
  return [...all]
}

/** The node that begins, and the last one to promise. */
export const originator = ({ legs }: LiftPlan): NodeKey => legs[0]!.from

/** Votes that decide: more than half. */
export const majority = ({ referees }: LiftPlan): number => (referees.length + 1) / 2

/** A UUID of version 8: the first half of a digest. */
export const uuidOf = (digest: Digest): string => {
  const bytes = Buffer.from(digest, "base64url").subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x80
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString("hex")
  const cut = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)]
  return cut.join("-")
}

/** A UUID that follows from the lift and the leg: of the digest of both. */
export const chitId = (lift: LiftId, leg: number): ChitId => ChitId.make(uuidOf(digestOf({ lift, leg })))

/** The chit that a leg puts on its tally, the same at both ends. */
export const chitOf = ({ date, legs, lift, units }: LiftPlan, leg: number): Core => {
  const { by, tally } = legs[leg]!
  return { type: "lift", tally, uuid: chitId(lift, leg), by, date, units, lift, leg }
}
