/** What waits for users of credit, on whole nodes: it is listed as long as it waits. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { Attention } from "../../../src/services/delivery/Attention.ts"
import * as Concerns from "../../../src/services/credit/Concerns.ts"
import * as Tables from "../../../src/services/credit/CreditTables.ts"
import { Records } from "../../../src/services/Records.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import * as People from "../../support/credit/CreditPeople.ts"
import { pass } from "../../support/VirtualTime.ts"

const { draft, join, joined, open, soon } = People

/** What waits for somebody, or for the operator of their node. */
const waiting = ({ node, user }: People.Somebody, audience: string = user) =>
  Effect.map(node.run(Effect.flatMap(Attention, ({ list }) => list({ audience, limit: 100 }))), (items) =>
    items.filter(({ protocol }) => protocol === "credit").map(({ kind }) => kind)
  )

describe("the action list of credit", () => {
  it.effect("has tallies that somebody has to offer or to answer, and invoices, until they have", () =>
    Effect.gen(function* () {
      const [ann, bob] = yield* joined("ann", "bob")
      const tally = (yield* ann!.does(draft)).tally!
      assert.deepStrictEqual(yield* waiting(ann!), [])
      const { invitation } = yield* ann!.does({ _tag: "IssueTicket", tally, reuse: false })
      yield* bob!.does({ _tag: "ShowTicket", invitation: invitation! })
      yield* soon
      assert.deepStrictEqual(yield* waiting(ann!), ["tally.requested"])
      yield* ann!.does({ _tag: "OfferTally", tally })
      yield* soon
      assert.deepStrictEqual([yield* waiting(ann!), yield* waiting(bob!)], [[], ["tally.received"]])
      yield* bob!.does({ _tag: "AcceptTally", tally, revision: 1 })
      yield* soon
      assert.deepStrictEqual([yield* waiting(ann!), yield* waiting(bob!)], [[], []])
      const { chit } = yield* ann!.does({ _tag: "Ask", tally, units: 1_500n, memo: "bread" })
      yield* soon
      assert.deepStrictEqual([yield* waiting(ann!), yield* waiting(bob!)], [[], ["chit.asked"]])
      yield* bob!.does({ _tag: "Decline", tally, chit: chit!, revision: 1 })
      assert.deepStrictEqual(yield* waiting(bob!), [])
    }).pipe(Effect.scoped)
  )

  it.effect("has tickets that were refused, for a week after their time", () =>
    Effect.gen(function* () {
      const [ann, bob] = yield* joined("ann", "bob")
      const tally = (yield* ann!.does(draft)).tally!
      const { invitation } = yield* ann!.does({ _tag: "IssueTicket", tally, reuse: false })
      yield* bob!.does({ _tag: "ShowTicket", invitation: invitation! })
      yield* bob!.does({ _tag: "ShowTicket", invitation: invitation! })
      yield* soon
      assert.deepStrictEqual(yield* waiting(bob!), ["ticket.refused"])
      const [refused] = (yield* Effect.orDie(bob!.node.credit.requests(bob!.user, 10))).filter(
        ({ status }) => status === "refused"
      )
      const old: Tables.Request = { ...refused!, expires: refused!.expires - 3 * 86_400_000 - Concerns.refusedMillis }
      yield* bob!.node.run(Effect.flatMap(Records, (records) => records.put(Tables.requests, old)))
      assert.deepStrictEqual(yield* waiting(bob!), [])
    }).pipe(Effect.scoped)
  )

  it.effect("has tallies in trouble for their holder, and lifts that nobody decides for the operator", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const ann = yield* join({ network, seed: 1, name: "ann" })
      const bob = yield* join({ network, seed: 2, name: "bob" })
      const life = yield* Scope.make()
      const dan = yield* Scope.provide(join({ network, seed: 3, name: "dan" }), life)
      const tally = yield* open(bob, ann)
      const { host, port } = dan.node.address
      yield* Scope.close(life, Exit.void)
      const referees = [{ key: dan.node.key, host, port }]
      yield* ann.does({ _tag: "PayOver", to: bob.person, units: 70n, referees, life: 60_000 })
      yield* pass("10 minutes")
      assert.deepStrictEqual(yield* waiting(bob, ""), [])
      yield* pass("2 minutes")
      for (const one of [ann, bob]) assert.deepStrictEqual(yield* waiting(one, ""), ["lift.pending"])
      const half = (yield* Effect.orDie(ann.node.credit.tally(ann.user, tally)))!
      const troubled = { ...half, trouble: "the database was restored" }
      yield* ann.node.run(Effect.flatMap(Records, (records) => records.put(Tables.halves, troubled)))
      assert.deepStrictEqual(yield* waiting(ann), ["tally.trouble"])
    }).pipe(Effect.scoped)
  )
})
