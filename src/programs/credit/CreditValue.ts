/**
 * The kinds of values that commands of credit take, as schemas from text, each with a sentence that says what to write.
 */
import { Option, Result, Schema } from "effect"
import { NodeKey } from "../../protocol/NodeKey.ts"
import * as Chad from "../../protocol/credit/Chad.ts"
import { ChitId } from "../../protocol/credit/Chit.ts"
import { LiftId } from "../../protocol/credit/LiftPlan.ts"
import { QueryId } from "../../protocol/credit/Route.ts"
import { SomeUnits, Units } from "../../protocol/credit/Units.ts"
import * as Money from "../../protocol/credit/Units.ts"
import { fromText, type FromText } from "../SettingValue.ts"

/** What `decode` takes as it is. */
const asked = <A extends string>(expected: string, schema: Schema.Codec<A, string>): FromText<A> =>
  fromText(
    expected,
    (text) => Option.getOrUndefined(Schema.decodeUnknownOption(schema)(text)),
    (value) => value
  )

const decodeUnits = Schema.decodeUnknownOption(Units)
const decodeSome = Schema.decodeUnknownOption(SomeUnits)

/** Milli-CHIP of `12.5`, which is CHIP, or of `12500m`. */
const readUnits = (text: string): bigint | undefined => {
  const milli = /^(\d{1,19})m$/.exec(text)?.[1]
  const units = Option.getOrUndefined(milli === undefined ? Money.parse(text) : decodeUnits(milli))
  return units === undefined || units < 0n ? undefined : units
}

const written =
  "in CHIP with three decimals at the most, such as 12.5, or in milli-CHIP, such as 12500m, " +
  `and no more than ${Money.format(Money.most)} CHIP`

/** An amount, which may be nothing. */
export const amount: FromText<bigint> = fromText(`an amount ${written}`, readUnits, Money.format)

/** An amount of something that moves. */
export const someAmount: FromText<bigint> = fromText(
  `an amount of more than nothing, ${written}`,
  (text) => {
    const units = readUnits(text)
    return units === undefined ? undefined : Option.getOrUndefined(decodeSome(String(units)))
  },
  Money.format
)

export const cuid = asked(
  "the id of a user, 1 to 64 letters, digits, _ . or -, of which the first is a letter, a digit or _",
  Chad.Cuid
)

/** A user and their agent; where that is reached need not be said. */
const readPerson = (text: string): Chad.Person | undefined => {
  const whole = Chad.parse(text)
  if (Result.isSuccess(whole)) return { cuid: whole.success.cuid, agent: whole.success.agent }
  const [, name, key = ""] = /^(?:chip:\/\/)?([^:@/]+):([^:@/]+)$/.exec(text) ?? []
  const agent = Chad.parseAgent(key)
  const user = Schema.decodeUnknownOption(Chad.Cuid)(name)
  return Option.isSome(agent) && Option.isSome(user) ? { cuid: user.value, agent: agent.value } : undefined
}

/** Where value shall go: to somebody, or around to where it began. */
export type Goal = { readonly to: Chad.Person } | { readonly circle: true }

export const goal: FromText<Goal> = fromText(
  "whom to pay as cuid:agent@host:port, or circle to clear what goes around",
  (text) => {
    if (text === "circle") return { circle: true }
    const to = readPerson(text)
    return to && { to }
  },
  (goal) => ("to" in goal ? `${goal.to.cuid}:${Chad.agentText(goal.to.agent)}` : "circle")
)

export const userKey = asked("an Ed25519 public key of 64 lower-case hex digits", NodeKey)
export const chitId = asked("the id of a chit, as holdfast chit list shows it", ChitId)
export const liftId = asked("the id of a lift, as holdfast lift list shows it", LiftId)
export const queryId = asked("the id of a search, as holdfast route find prints it", QueryId)

/** What pays: an amount, or the id of an invoice. */
export type Paid = { readonly units: bigint } | { readonly invoice: ChitId }

export const paid: FromText<Paid> = fromText(
  `an amount of more than nothing, ${written}, or the id of an invoice, as holdfast chit list shows it`,
  (text) => {
    const invoice = Option.getOrUndefined(Schema.decodeUnknownOption(ChitId)(text))
    if (invoice !== undefined) return { invoice }
    const units = readUnits(text)
    return units === undefined || units === 0n ? undefined : { units }
  },
  (paid) => ("units" in paid ? Money.format(paid.units) : paid.invoice)
)
