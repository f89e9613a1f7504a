/**
 * The users of a node in the scenario `credit`: they come to their tallies first, and then do whatever comes to their minds.
 */
import { Effect, Layer } from "effect"
import { Credit } from "../../services/credit/Credit.ts"
import { Place } from "../cluster/Place.ts"
import type { Self } from "../cluster/Scenario.ts"
import { act } from "./CreditActs.ts"
import { castOf } from "./CreditCast.ts"
import type { Memory } from "./CreditScene.ts"
import { begin, open, put } from "./TallyOpening.ts"

/** Milliseconds to the second look at what is not open yet. */
const soon = 200

const reasonOf = (error: Error): string =>
  "reason" in error && typeof error.reason === "string" ? error.reason : error.name

/** As many operations as the plan says for each user, spread over the time there is; what fails is not tried again. */
const work = Effect.fnUntraced(function* (self: Self) {
  const { count, nodes } = yield* Place
  const cast = castOf(nodes)
  const { bonds, members } = cast
  const own = members.filter(({ node }) => node === self.name)
  yield* Effect.forEach(own, (member) => Effect.retry(put(member), { times: 5 }))
  if (self.life === 1) for (const bond of bonds) if (bond.stock.node === self.name) yield* Effect.ignore(begin(bond))
  yield* Effect.forkScoped(open(cast, self.name, soon))
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
