/** The service through which users give credit, on whole nodes: commands, their keys, and what users see. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { TestClock } from "effect/testing"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import { Cuid } from "../../../src/protocol/credit/Chad.ts"
import { ChitId } from "../../../src/protocol/credit/Chit.ts"
import type { Command } from "../../../src/services/credit/Command.ts"
import * as CommandKeys from "../../../src/services/credit/CommandKeys.ts"
import { mostRows } from "../../../src/services/credit/Credit.ts"
import * as Tables from "../../../src/services/credit/CreditTables.ts"
import { Records } from "../../../src/services/Records.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import * as People from "../../support/credit/CreditPeople.ts"
import { uuid } from "../../support/credit/Parties.ts"

const { draft, joined, open, soon } = People
const [ann, bob] = [Cuid.make("ann"), Cuid.make("bob")]

describe("the id of a tally", () => {
  it.effect(
    "is one user's on its side: nobody else at the node gets what is said of it by drafting another one under it",
    () =>
      Effect.gen(function* () {
        const [one, two] = yield* joined("bob", "ann")
        const eve = People.at(one!.node, "aaa")
        yield* eve.does({ _tag: "PutUser", type: "person", name: "Eve" })
        const tally = yield* open(one!, two!)
        assert.strictEqual(yield* eve.tries({ ...draft, tally }), "another-holder")
        yield* two!.does({ _tag: "Pay", tally, units: 100n })
        yield* soon
        assert.strictEqual((yield* one!.node.credit.tally(bob, tally))?.sums.net, 100n)
        // Both sides may well be users of one node.
        assert.isObject(yield* eve.tries({ ...draft, side: "foil", tally }))
      }).pipe(Effect.scoped)
  )
})

describe("commands of users", () => {
  it.effect("open a tally and pay on it, with ids that the node makes, as both see", () =>
    Effect.gen(function* () {
      const [one, two] = yield* joined("ann", "bob")
      const tally = yield* open(one!, two!)
      const asked = yield* one!.does({ _tag: "Ask", tally, units: 300n, memo: "bread" })
      yield* soon
      const waiting = yield* two!.node.credit.moving(bob, tally, 10)
      assert.deepStrictEqual(
        waiting.map(({ core }) => core.uuid),
        [asked.chit!]
      )
      yield* two!.does({ _tag: "PayInvoice", tally, chit: asked.chit! })
      yield* soon
      yield* one!.does({ _tag: "Pay", tally, units: 100n })
      yield* two!.does({ _tag: "SetTally", tally, sets: { bound: 50n } })
      yield* soon
      for (const { node, user } of [one!, two!]) {
        const half = yield* node.credit.tally(user, tally)
        assert.deepStrictEqual([half?.status, half?.sums.net, half?.sets.foil], ["open", 200n, { bound: 50n }])
        assert.strictEqual((yield* node.credit.placed(user, tally, { limit: 10 })).length, 3)
        assert.strictEqual((yield* node.credit.placed(user, tally, { after: 2, limit: 10 })).length, 1)
        assert.deepStrictEqual(yield* node.credit.moving(user, tally, 10), [])
      }
      assert.strictEqual((yield* one!.node.credit.user(ann))?.certificate.chad.host, one!.node.address.host)
    }).pipe(Effect.scoped)
  )

  it.effect("given twice under one key are done once and answered alike, another one under it is refused", () =>
    Effect.gen(function* () {
      const [one, two] = yield* joined("ann", "bob")
      const tally = yield* open(one!, two!)
      const paid: Command = { _tag: "Pay", tally, units: 100n }
      const first = yield* two!.tries(paid, "lunch")
      const again = yield* two!.tries(paid, "lunch")
      assert.deepStrictEqual(again, first)
      assert.strictEqual(yield* two!.tries({ ...paid, units: 101n }, "lunch"), "CommandKeyTaken")
      yield* soon
      // A key is its user's own.
      assert.isObject(yield* one!.tries({ ...paid, units: 5n }, "lunch"))
      assert.isObject(yield* two!.tries(paid, "supper"))
      yield* soon
      assert.strictEqual((yield* one!.node.credit.tally(ann, tally))?.sums.net, 195n)
      assert.strictEqual(yield* two!.tries(paid, ""), "key-unfit")
      assert.strictEqual(yield* two!.tries(paid, "k".repeat(65)), "key-unfit")
    }).pipe(Effect.scoped)
  )

  it.effect("given twice at once under one key are done once", () =>
    Effect.gen(function* () {
      const [one, two] = yield* joined("ann", "bob")
      const tally = yield* open(one!, two!)
      const paid = two!.does({ _tag: "Pay", tally, units: 100n }, "lunch")
      const [first, second] = yield* Effect.all([paid, paid], { concurrency: 2 })
      assert.deepStrictEqual(first, second)
      assert.strictEqual((yield* two!.node.credit.tally(bob, tally))?.sums.net, 100n)
    }).pipe(Effect.scoped)
  )

  it.effect("are part of the caller's transaction: refused ones spoil nothing of it, undone ones were never done", () =>
    Effect.gen(function* () {
      const [one, two] = yield* joined("ann", "bob")
      const tally = yield* open(one!, two!)
      const { credit } = two!.node
      const pay = (units: bigint, key: string) => credit.run(bob, { _tag: "Pay", tally, units }, key)
      yield* two!.node.run(
        Effect.gen(function* () {
          yield* Effect.ignore(pay(5_000n, "much"))
          yield* Effect.orDie(pay(10n, "some"))
        })
      )
      const undone = Effect.andThen(Effect.orDie(pay(20n, "more")), Effect.die("the caller's own failure"))
      assert.isTrue(Exit.isFailure(yield* Effect.exit(two!.node.run(undone))))
      assert.strictEqual((yield* credit.tally(bob, tally))?.sums.net, 10n)
      yield* two!.does({ _tag: "Pay", tally, units: 20n }, "more")
      yield* soon
      assert.strictEqual((yield* one!.node.credit.tally(ann, tally))?.sums.net, 30n)
    }).pipe(Effect.scoped)
  )

  it.effect("that are refused have changed nothing, and can be given again under their key", () =>
    Effect.gen(function* () {
      const [one, two] = yield* joined("ann", "bob")
      const tally = yield* open(one!, two!)
      yield* two!.does({ _tag: "Pay", tally, units: 900n })
      yield* soon
      const much: Command = { _tag: "Pay", tally, units: 200n }
      const before = yield* two!.node.credit.tally(bob, tally)
      assert.strictEqual(yield* two!.tries(much, "much"), "no-room")
      assert.deepStrictEqual(yield* two!.node.credit.tally(bob, tally), before)
      yield* one!.does({ _tag: "Pay", tally, units: 150n })
      yield* soon
      const done = yield* two!.does(much, "much")
      assert.deepStrictEqual(yield* two!.tries(much, "much"), done)
      yield* soon
      assert.strictEqual((yield* one!.node.credit.tally(ann, tally))?.sums.net, 950n)
    }).pipe(Effect.scoped)
  )

  it.effect("are forgotten after a week, a few with each new one", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const database = yield* MemoryDatabase.make
      const rows = Effect.flatMap(Records, (records) => records.page(Tables.commands, "key", { limit: 100 }))
      const life = yield* Scope.make()
      const joining = { network, seed: 1, name: "ann", database }
      const one = yield* Scope.provide(People.join(joining), life)
      for (let at = 0; at < 20; at++) yield* one.does(draft, `key ${at}`)
      assert.strictEqual((yield* one.node.run(rows)).length, 20)
      yield* Scope.close(life, Exit.void)
      yield* TestClock.adjust("8 days")
      const back = yield* People.join(joining)
      // The time of this one is over though it is still there: it is another command now.
      const again = yield* back.does({ ...draft, memo: "again" }, "key 19")
      assert.isDefined(again.tally)
      const left = yield* back.node.run(rows)
      assert.strictEqual(left.length, 12)
      yield* back.does(draft, "one")
      yield* back.does(draft, "two")
      assert.strictEqual((yield* back.node.run(rows)).length, 3)
      assert.strictEqual(CommandKeys.keptMillis, 7 * 24 * 3_600_000)
    }).pipe(Effect.scoped)
  )

  it.effect("of others, and about what is not there, say why they are refused", () =>
    Effect.gen(function* () {
      const [one, two] = yield* joined("ann", "bob")
      const tally = yield* open(one!, two!)
      const eve = People.at(one!.node, "eve")
      assert.strictEqual(yield* eve.tries(draft), "unknown-user")
      yield* eve.does({ _tag: "PutUser", type: "person", name: "Eve" })
      const chit = ChitId.make(uuid(7, 1))
      assert.strictEqual(yield* eve.tries({ _tag: "Pay", tally, units: 1n }), "unknown-tally")
      assert.strictEqual(yield* eve.tries({ _tag: "IssueTicket", tally, reuse: true }), "not-a-draft")
      assert.strictEqual(yield* one!.tries({ _tag: "PayInvoice", tally, chit }), "unknown-chit")
      assert.isObject(yield* two!.tries({ _tag: "Pay", tally, units: 1n, chit }))
      assert.strictEqual(yield* two!.tries({ _tag: "Pay", tally, units: 1n, chit }), "known-chit")
      assert.strictEqual(yield* two!.tries({ _tag: "FindWays", units: 10n }), "no-circle")
    }).pipe(Effect.scoped)
  )
})

describe("views", () => {
  it.effect("go on behind what was seen last, and never give more than their limit", () =>
    Effect.gen(function* () {
      const [one] = yield* joined("ann")
      for (let at = 0; at < 5; at++) yield* one!.does(draft)
      const first = yield* one!.node.credit.tallies(ann, { limit: 3 })
      const rest = yield* one!.node.credit.tallies(ann, { limit: 3, after: first[2]!.id })
      assert.deepStrictEqual([first.length, rest.length], [3, 2])
      assert.strictEqual(new Set([...first, ...rest].map(({ id }) => id)).size, 5)
      assert.strictEqual((yield* one!.node.credit.users({ limit: 1_000_000 })).length, 1)
      assert.strictEqual((yield* one!.node.credit.users({ limit: 0 })).length, 1)
      assert.isAtMost(mostRows, 1_000)
      assert.deepStrictEqual(yield* one!.node.credit.tallies(bob, { limit: 3 }), [])
    }).pipe(Effect.scoped)
  )
})
