/**
 * Tickets: whoever shows one to the node that has issued it gets a tally from the draft that it is for.
 *
 * A ticket is good once, or reusable, and until it expires by the clock of its node. The request id of whoever redeems it makes one
 * tally of a request however often that comes, even after the ticket has expired or its last use is gone.
 */
import { Schema } from "effect"
import { UuidText } from "../Cbor.ts"
import { type Unfit, unfit } from "./Action.ts"
import { Cuid, isSamePerson, Person } from "./Chad.ts"
import { Instant, latest } from "./Instant.ts"
import { TallyId } from "./TallyDocument.ts"
import { Token } from "./Token.ts"

/** How long a ticket can be used if nothing else is said: 48 hours, in milliseconds. */
export const lifeByDefault = 48 * 3_600_000
/** Tallies from one reusable ticket, at most. */
export const mostUses = 10_000

/** What the node that has issued it keeps: one row, by its token. */
export const Ticket = Schema.Struct({
  token: Token,
  /** Whose it is. */
  holder: Cuid,
  /** The draft that it is for: the tally itself of a one-time ticket, of a reusable one what each tally is made like. */
  tally: TallyId,
  reuse: Schema.Boolean,
  expires: Instant,
  /** Requests that have got a tally. */
  used: Schema.Natural
})
export type Ticket = typeof Ticket.Type

/** A request that has got its tally: one row, by token and request, to be kept as long as the request may come again. */
export const Redemption = Schema.Struct({ token: Token, request: UuidText, by: Person, tally: TallyId })
export type Redemption = typeof Redemption.Type

/** Why a ticket is not redeemed. */
export type Reason = "ticket-unknown" | "ticket-expired" | "ticket-used" | "request-taken"

export interface TicketUnfit extends Unfit {
  readonly reason: Reason
}

/** A new ticket. `life` is in milliseconds; beyond the latest time that there is, the ticket ends there. */
export const issue = ({
  life = lifeByDefault,
  now,
  ...ticket
}: Pick<Ticket, "token" | "holder" | "tally" | "reuse"> & {
  readonly now: number
  readonly life?: number
}): Ticket => ({ ...ticket, expires: Math.min(latest, now + Math.max(0, life)), used: 0 })

/** Nobody redeems it from now on; requests that have their tally keep it. */
export const revoke = (ticket: Ticket, now: number): Ticket => ({ ...ticket, expires: Math.min(ticket.expires, now) })

/** Somebody shows a ticket. What was loaded by its token and request comes along. */
export interface Redeem {
  readonly request: Redemption["request"]
  readonly by: Person
  readonly now: number
  /** An id for a tally that a reusable ticket makes. */
  readonly fresh: TallyId
  readonly ticket: Ticket | undefined
  readonly known: Redemption | undefined
}

/** The tally that the request gets. To be stored are both rows where `isNew`; nothing otherwise. */
export interface Redeemed {
  readonly _tag: "Redeemed"
  readonly isNew: boolean
  readonly ticket: Ticket | undefined
  readonly redemption: Redemption
}

const refuse = (reason: Reason, detail: string): TicketUnfit => ({ ...unfit("refused", reason, detail), reason })

export const redeem = ({ by, fresh, known, now, request, ticket }: Redeem): Redeemed | TicketUnfit => {
  if (known !== undefined) {
    if (!isSamePerson(known.by, by)) return refuse("request-taken", "the request is somebody else's")
    return { _tag: "Redeemed", isNew: false, ticket, redemption: known }
  }
  if (ticket === undefined) return refuse("ticket-unknown", "there is no such ticket")
  if (now >= ticket.expires) return refuse("ticket-expired", "the ticket has expired: ask for a new one")
  if (ticket.used >= (ticket.reuse ? mostUses : 1)) {
    return refuse("ticket-used", ticket.reuse ? `the ticket was used ${mostUses} times` : "the ticket was used already")
  }
  const tally = ticket.reuse ? fresh : ticket.tally
  return {
    _tag: "Redeemed",
    isNew: true,
    ticket: { ...ticket, used: ticket.used + 1 },
    redemption: { token: ticket.token, request, by: { cuid: by.cuid, agent: by.agent }, tally }
  }
}
