/**
 * Everything that one user can want of another one who is not there: prepared while both nodes run, and given as commands afterwards.
 */
import type { ChitId } from "../../../src/protocol/credit/Chit.ts"
import type { Invitation } from "../../../src/protocol/credit/Invitation.ts"
import type { TallyId } from "../../../src/protocol/credit/TallyDocument.ts"
import type { Command, Done } from "../../../src/services/credit/Command.ts"
import { type CreditHome, openTally } from "./CreditNodes.ts"

const limit = 1_000_000n
const terms = { terms: { limit }, partnerTerms: { limit } }

/** How many of each. */
export const amounts = {
  tickets: 20,
  offers: 20,
  acceptances: 20,
  refusals: 15,
  revisions: 15,
  withdrawals: 15,
  invoices: 20,
  declined: 15,
  paidInvoices: 15,
  payments: 20,
  proposals: 20,
  settings: 10,
  lifts: 10,
  queries: 10
} as const
export const total = Object.values(amounts).reduce((sum, count) => sum + count, 0)

const times = <A>(count: number, make: () => A): ReadonlyArray<A> => Array.from({ length: count }, make)

const ids = <K extends keyof Done>(all: ReadonlyArray<Done>, what: K): ReadonlyArray<NonNullable<Done[K]>> =>
  all.map((done) => {
    const id = done[what]
    if (id === undefined) throw new Error(`a command has made no ${what}`)
    return id
  })

/** Drafts with a ticket each. */
const ticketed = async (stock: CreditHome, count: number) => {
  const drafted = await stock.all(times(count, (): Command => ({ _tag: "DraftTally", side: "stock", ...terms })))
  const tallies = ids(drafted, "tally")
  const issued = await stock.all(tallies.map((tally): Command => ({ _tag: "IssueTicket", tally, reuse: false })))
  return { tallies, invitations: ids(issued, "invitation") }
}

/** Drafts for which the other one has shown their tickets. */
const requested = async (stock: CreditHome, foil: CreditHome, count: number): Promise<ReadonlyArray<TallyId>> => {
  const { invitations, tallies } = await ticketed(stock, count)
  await foil.all(invitations.map((invitation): Command => ({ _tag: "ShowTicket", invitation })))
  for (const tally of tallies) await stock.end.call("untilRequested", { user: stock.user, tally })
  return tallies
}

/** Tallies that wait for the other one's answer. */
const offered = async (stock: CreditHome, foil: CreditHome, count: number): Promise<ReadonlyArray<TallyId>> => {
  const tallies = await requested(stock, foil, count)
  await stock.all(tallies.map((tally): Command => ({ _tag: "OfferTally", tally })))
  for (const tally of tallies) {
    await foil.end.call("untilHalf", { user: foil.user, tally, status: "received" })
  }
  return tallies
}

const asked = async (
  from: CreditHome,
  of: CreditHome,
  tally: TallyId,
  count: number
): Promise<ReadonlyArray<ChitId>> => {
  const chits = ids(await from.all(times(count, (): Command => ({ _tag: "Ask", tally, units: 3n }))), "chit")
  const told = { user: of.user, kind: "chit.asked", count }
  await of.end.call("untilTold", told)
  return chits
}

export interface Prepared {
  /** Owned by the waiting user as foil, and as stock. */
  readonly near: TallyId
  readonly back: TallyId
  readonly tickets: ReadonlyArray<Invitation>
  readonly offers: ReadonlyArray<TallyId>
  readonly received: ReadonlyArray<TallyId>
  readonly withdrawals: ReadonlyArray<TallyId>
  readonly invoices: ReadonlyArray<ChitId>
}

/** `here` will give the commands, `there` will be away. */
export const prepare = async (here: CreditHome, there: CreditHome): Promise<Prepared> => {
  const near = await openTally(there, here, limit)
  const back = await openTally(here, there, limit)
  const { invitations } = await ticketed(there, amounts.tickets)
  const { acceptances, declined, offers, paidInvoices, refusals, revisions, withdrawals } = amounts
  return {
    near,
    back,
    tickets: invitations,
    offers: await requested(here, there, offers),
    received: await offered(there, here, acceptances + refusals + revisions),
    withdrawals: await offered(here, there, withdrawals),
    invoices: await asked(there, here, near, declined + paidInvoices)
  }
}

const answers = ({ invoices, near, received }: Prepared): ReadonlyArray<Command> => {
  const { acceptances, declined, refusals } = amounts
  return [
    ...received.map((tally, at): Command => {
      if (at < acceptances) return { _tag: "AcceptTally", tally, revision: 1 }
      if (at < acceptances + refusals) return { _tag: "RefuseTally", tally, revision: 1 }
      return { _tag: "ReviseTally", tally, revision: 1, side: "foil", ...terms }
    }),
    ...invoices.map((chit, at): Command => {
      const about = { tally: near, chit }
      return at < declined ? { _tag: "Decline", ...about, revision: 1 } : { _tag: "PayInvoice", ...about }
    })
  ]
}

/** All but the lifts. */
export const commands = (prepared: Prepared, there: CreditHome): ReadonlyArray<Command> => {
  const { back, near, offers, tickets, withdrawals } = prepared
  return [
    ...tickets.map((invitation): Command => ({ _tag: "ShowTicket", invitation })),
    ...offers.map((tally): Command => ({ _tag: "OfferTally", tally })),
    ...withdrawals.map((tally): Command => ({ _tag: "WithdrawTally", tally })),
    ...answers(prepared),
    ...times(amounts.invoices, (): Command => ({ _tag: "Ask", tally: near, units: 2n })),
    ...times(amounts.payments, (): Command => ({ _tag: "Pay", tally: near, units: 1n })),
    ...times(amounts.proposals, (): Command => ({ _tag: "Pay", tally: back, units: 1n })),
    ...Array.from({ length: amounts.settings }, (_, at): Command => ({
      _tag: "SetTally",
      tally: near,
      sets: { target: BigInt(at) }
    })),
    ...times(amounts.queries, (): Command => ({ _tag: "FindWays", to: there.person, units: 1n }))
  ]
}

/** What the user who was away is told of it, by kind. */
export const told: Readonly<Record<string, number>> = {
  "tally.requested": amounts.tickets,
  "tally.received": amounts.offers,
  "tally.withdrawn": amounts.withdrawals,
  "tally.open": amounts.acceptances,
  "tally.refused": amounts.refusals,
  "tally.revised": amounts.revisions,
  "chit.asked": amounts.invoices,
  "chit.declined": amounts.declined,
  "lift.good": amounts.lifts
}
