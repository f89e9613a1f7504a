/** What a chit costs at whole nodes: statements and messages are counted, and time is not looked at. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import type { Side, TallyId } from "../../../src/protocol/credit/TallyDocument.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import * as People from "../../support/credit/CreditPeople.ts"

/** Two users with a tally, and how many statements and messages of both nodes there were so far. */
const start = Effect.gen(function* () {
  let statements = 0
  const network = new MemoryNetwork()
  /** Others get their turn while it works, as with a database that has to be waited for. */
  const statement = Effect.suspend(() => {
    statements++
    return Effect.yieldNow
  })
  const counted = () => MemoryDatabase.makeHooked({ statement, commit: (commit) => commit })
  const stock = yield* People.join({ network, seed: 1, name: "ann", database: counted() })
  const foil = yield* People.join({ network, seed: 2, name: "bob", database: counted(), to: [stock] })
  const terms = { terms: { limit: 1_000_000n }, partnerTerms: { limit: 1_000_000n } }
  const { tally } = yield* stock.does({ ...People.draft, ...terms })
  const { invitation } = yield* stock.does({ _tag: "IssueTicket", tally: tally!, reuse: false })
  yield* foil.does({ _tag: "ShowTicket", invitation: invitation! })
  yield* People.soon
  yield* stock.does({ _tag: "OfferTally", tally: tally! })
  yield* People.soon
  yield* foil.does({ _tag: "AcceptTally", tally: tally!, revision: 1 })
  yield* People.soon
  const received = ({ node }: People.Somebody) =>
    Effect.map(node.run(Effect.flatMap(RetryStore, (store) => store.totals(8))), (links) =>
      links.reduce((sum, link) => sum + Number(link.received), 0)
    )
  const spent = Effect.gen(function* () {
    const before = statements
    const messages = (yield* received(stock)) + (yield* received(foil))
    return { statements: before, messages }
  })
  return { sides: { stock, foil }, tally: tally!, spent }
})

type Start = Effect.Success<typeof start>

/** So many payments of one side, all at once or one after the other, until both ends have them. */
const pay = Effect.fnUntraced(function* ({ sides, spent, tally }: Start, by: Side, count: number, inFlight: number) {
  const before = yield* spent
  const one = sides[by].does({ _tag: "Pay", tally, units: 1n })
  if (inFlight === 1) for (let n = 0; n < count; n++) yield* Effect.andThen(one, People.soon)
  else
    yield* Effect.all(
      Array.from({ length: count }, () => one),
      { concurrency: inFlight }
    )
  yield* People.soon
  const after = yield* spent
  return {
    statements: (after.statements - before.statements) / count,
    messages: (after.messages - before.messages) / count
  }
})

const ends = ({ sides: { foil, stock } }: Start, tally: TallyId) =>
  Effect.forEach([stock, foil], ({ node, user }) => Effect.orDie(node.credit.tally(user, tally)))

describe("a chit between two nodes", () => {
  for (const by of ["foil", "stock"] as const) {
    it.effect(`of ${by} costs a part of a transaction and of a message where many are given at once`, () =>
      Effect.gen(function* () {
        const pair = yield* start
        const one = yield* pay(pair, by, 64, 64)
        assert.isBelow(one.statements, 3)
        assert.isBelow(one.messages, 0.2)
        const [stock, foil] = yield* ends(pair, pair.tally)
        assert.deepStrictEqual(stock?.chain?.at, foil?.chain?.at)
        assert.strictEqual(foil?.chain?.agreed, 64)
      }).pipe(Effect.scoped)
    )

    it.effect(`of ${by} costs no more behind many others than behind a few`, () =>
      Effect.gen(function* () {
        const pair = yield* start
        const first = yield* pay(pair, by, 8, 1)
        yield* pay(pair, by === "foil" ? "stock" : "foil", 200, 64)
        const last = yield* pay(pair, by, 8, 1)
        assert.isAtMost(last.statements, first.statements + 1)
        assert.strictEqual(last.messages, first.messages)
        assert.isAtMost(first.statements, by === "foil" ? 36 : 50)
        assert.isAtMost(first.messages, by === "foil" ? 2 : 3)
      }).pipe(Effect.scoped)
    )
  }
})
