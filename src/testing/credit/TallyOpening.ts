/**
 * How users of a simulated node come to the tallies that are to be there from the beginning: stock drafts each and hands a ticket for it
 * to foil, and then both do what is next until it is open.
 */
import { Effect } from "effect"
import type { Cuid } from "../../protocol/credit/Chad.ts"
import type { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import type { Command } from "../../services/credit/Command.ts"
import { Credit } from "../../services/credit/Credit.ts"
import { Transactions } from "../../services/Transactions.ts"
import type { Bond, Cast, Member } from "./CreditCast.ts"
import { draft, hand } from "./CreditTickets.ts"

/** Milliseconds: the longest time between two looks at what is not open yet. */
const late = 3_000
const mostTallies = 64

export const put = ({ cuid }: Member) =>
  Credit.use(({ run }) => run(cuid, { _tag: "PutUser", type: "person", name: `User ${cuid}` }))

/** Drafts a tally and hands its ticket to the other party; nothing where that has been done. */
export const begin = Effect.fnUntraced(function* ({ foil, grants, id, stock }: Bond) {
  const { within } = yield* Transactions
  const credit = yield* Credit
  if ((yield* credit.tally(stock.cuid, id)) !== undefined) return
  yield* within(
    Effect.gen(function* () {
      yield* draft(stock, { tally: id, side: "stock", limit: grants.stock, asks: grants.foil })
      yield* hand(stock, id, foil)
    })
  )
})

/** What a willing holder does about a tally that is not open. */
const next = ({ document, draft, id, revision, status }: TallyHalf): Command | undefined => {
  if (status === "draft" && draft?.partner !== undefined && document === undefined)
    return { _tag: "OfferTally", tally: id }
  return status === "received" ? { _tag: "AcceptTally", tally: id, revision } : undefined
}

const waiting: ReadonlySet<TallyHalf["status"]> = new Set<TallyHalf["status"]>(["draft", "offered", "received"])

/** Does what is next for a user; whether all of the user's tallies among these are open, or will never be. */
const advance = Effect.fnUntraced(function* (cuid: Cuid, bonds: ReadonlyArray<Bond>) {
  const credit = yield* Credit
  const own = new Set(bonds.filter(({ foil, stock }) => foil.cuid === cuid || stock.cuid === cuid).map(({ id }) => id))
  const halves = (yield* credit.tallies(cuid, { limit: mostTallies })).filter(({ id }) => own.has(id))
  for (const half of halves) {
    const command = next(half)
    if (command !== undefined) yield* Effect.ignore(credit.run(cuid, command))
  }
  return halves.length >= own.size && halves.every(({ status }) => !waiting.has(status))
})

/** Goes on until all tallies of a node's users are open; `soon` is the time to the second look, in milliseconds. */
export const open = Effect.fnUntraced(function* ({ bonds, members }: Cast, node: string, soon: number) {
  const own = members.filter((member) => member.node === node)
  for (let wait = soon; ; wait = Math.min(late, wait * 1.5)) {
    yield* Effect.sleep(wait)
    const over = yield* Effect.option(Effect.forEach(own, ({ cuid }) => advance(cuid, bonds)))
    if (over._tag === "Some" && over.value.every((one) => one)) return
  }
})
