/**
 * The users of a node in the scenario `credit`: they come to their tallies first, and then do whatever comes to their minds.
 */
import { Effect, Layer } from "effect"
import type { Cuid } from "../../protocol/credit/Chad.ts"
import type { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import type { Command } from "../../services/credit/Command.ts"
import { Credit } from "../../services/credit/Credit.ts"
import { Place } from "../cluster/Place.ts"
import type { Self } from "../cluster/Scenario.ts"
import { type Bond, castOf, type Member } from "./CreditCast.ts"
import { act, type Memory } from "./CreditActs.ts"
import { draft, hand } from "./CreditTickets.ts"

/** Milliseconds between two looks at what is not open yet: the first, and the longest. */
const [soon, late] = [200, 3_000]
const mostTallies = 64

const put = ({ cuid }: Member) =>
  Credit.use(({ run }) => run(cuid, { _tag: "PutUser", type: "person", name: `User ${cuid}` }))

/** Drafts a tally that is to be there from the beginning, and hands its ticket to the other party. */
const begin = Effect.fnUntraced(function* ({ foil, grants, id, stock }: Bond) {
  const credit = yield* Credit
  if ((yield* credit.tally(stock.cuid, id)) !== undefined) return
  yield* draft(stock, { tally: id, side: "stock", limit: grants.stock, asks: grants.foil })
  yield* hand(stock, id, foil)
})

/** What a willing holder does about a tally that is not open. */
const next = ({ document, draft, id, revision, status }: TallyHalf): Command | undefined => {
  if (status === "draft" && draft?.partner !== undefined && document === undefined)
    return { _tag: "OfferTally", tally: id }
  return status === "received" ? { _tag: "AcceptTally", tally: id, revision } : undefined
}

/** Goes on until all tallies of the beginning are open, or the run is over. */
const open = Effect.fnUntraced(function* (own: ReadonlyArray<Member>, bonds: ReadonlyArray<Bond>) {
  const credit = yield* Credit
  const ids = new Set(bonds.map(({ id }) => id))
  const isOver = Effect.fnUntraced(function* (cuid: Cuid) {
    const expected = bonds.filter(({ foil, stock }) => foil.cuid === cuid || stock.cuid === cuid).length
    const halves = (yield* credit.tallies(cuid, { limit: mostTallies })).filter(({ id }) => ids.has(id))
    for (const half of halves) {
      const command = next(half)
      if (command !== undefined) yield* Effect.ignore(credit.run(cuid, command))
    }
    return halves.length >= expected && halves.every(({ status }) => !["draft", "offered", "received"].includes(status))
  })
  for (let wait = soon; ; wait = Math.min(late, wait * 1.5)) {
    yield* Effect.sleep(wait)
    const over = yield* Effect.option(Effect.forEach(own, ({ cuid }) => isOver(cuid)))
    if (over._tag === "Some" && over.value.every((one) => one)) return
  }
})

const reasonOf = (error: Error): string =>
  "reason" in error && typeof error.reason === "string" ? error.reason : error.name

/** As many operations as the plan says for each user, spread over the time there is; what fails is not tried again. */
const work = Effect.fnUntraced(function* (self: Self) {
  const { count, nodes } = yield* Place
  const { bonds, members } = castOf(nodes)
  const own = members.filter(({ node }) => node === self.name)
  const theirs = bonds.filter(({ foil, stock }) => foil.node === self.name || stock.node === self.name)
  yield* Effect.forEach(own, (member) => Effect.retry(put(member), { times: 5 }))
  if (self.life === 1)
    for (const bond of theirs.filter(({ stock }) => stock.node === self.name)) yield* Effect.ignore(begin(bond))
  yield* Effect.forkScoped(open(own, theirs))
  const operations = self.operations * own.length
  const memory: Memory = { queries: [], lifts: [] }
  for (let done = 0; done < operations; done++) {
    yield* Effect.sleep(self.random.exponential((self.duration / (operations + 1)) * 1_000) / 1_000)
    const member = self.random.pick(own)
    if (member === undefined) return
    const told = yield* Effect.result(act({ self, who: member, nodes, members, bonds, memory }))
    count(told._tag === "Success" ? `credit: ${told.success}` : `credit: refused: ${reasonOf(told.failure)}`)
  }
})

export const users = (self: Self) => Effect.scoped(Effect.provide(work(self), Layer.fresh(Credit.layer)))
