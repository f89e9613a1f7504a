/**
 * What the API says about credit, and takes: commands and views as the service `Credit` has them. Amounts are decimal texts of milli-CHIP,
 * times milliseconds since 1970.
 */
import { Schema } from "effect"
import { Cuid } from "../../protocol/credit/Chad.ts"
import { ChitState } from "../../protocol/credit/ChitState.ts"
import { LiftId } from "../../protocol/credit/LiftPlan.ts"
import { TallyId } from "../../protocol/credit/TallyDocument.ts"
import { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import { Ticket } from "../../protocol/credit/Ticket.ts"
import { Evidence, Payment, Request, User } from "../../services/credit/CreditTables.ts"

export { Command, Done } from "../../services/credit/Command.ts"
export { LiftState } from "../../protocol/credit/LiftState.ts"
export { RouteState } from "../../protocol/credit/RouteState.ts"
export { ChitState, Payment, TallyHalf, User }

/**
 * Under this a command is done once, however often it is given. It is a header: clients send other characters in more than one form, and what
 * is blank at its ends is no part of it.
 */
export const IdempotencyKey = Schema.String.check(
  Schema.isPattern(/^(?=.{1,64}$)[!-~](?:[ -~]*[!-~])?$/, {
    message: "an idempotency key has 1 to 64 characters of ASCII and no blank at its ends"
  })
)

/** `next` is what to go on after, if there may be more. */
const page = <Item extends Schema.Top, Key extends Schema.Top>(item: Item, key: Key) =>
  Schema.Struct({ items: Schema.Array(item), next: Schema.optionalKey(key) })

export const UserPage = page(User, Cuid)
export const TallyPage = page(TallyHalf, TallyId)
export const ChitPage = page(ChitState, Schema.Int)
export const PaymentPage = page(Payment, LiftId)

const all = <Item extends Schema.Top>(item: Item) => Schema.Struct({ items: Schema.Array(item) })

export const ChitList = all(ChitState)
export const EvidenceList = all(Evidence)
export const TicketList = all(Ticket)
export const RequestList = all(Request)
