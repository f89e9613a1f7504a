/** What is owed to another node is said again, slowly, until it is there; and once a day it is looked whether both have the same. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Scope } from "effect"
import { Cuid } from "../../../src/protocol/credit/Chad.ts"
import { ChitId } from "../../../src/protocol/credit/Chit.ts"
import { TallyId } from "../../../src/protocol/credit/TallyDocument.ts"
import * as CreditProtocol from "../../../src/services/credit/CreditProtocol.ts"
import * as Tables from "../../../src/services/credit/CreditTables.ts"
import * as InvoiceDesk from "../../../src/services/credit/InvoiceDesk.ts"
import * as RepairDesk from "../../../src/services/credit/RepairDesk.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import { Records } from "../../../src/services/Records.ts"
import { net, open, type Party, start, startRestorable } from "../../support/credit/CreditParty.ts"
import { uuid } from "../../support/credit/Parties.ts"
import { pass } from "../../support/VirtualTime.ts"

/** The holder pays, and what their node says of it is lost. */
const paysUnheard = ({ node, user }: Party, tally: TallyId, n: number) =>
  node.run(
    Effect.gen(function* () {
      const paying = { tally, uuid: ChitId.make(uuid(7, n)), units: BigInt(n) }
      const answer = yield* InvoiceDesk.pay(Cuid.make(user), paying)
      assert.isUndefined(answer.unfit)
      yield* CreditProtocol.perform({ ...answer, actions: [] })
    })
  )

const pays = ({ node, user }: Party, tally: TallyId, n: number) =>
  Effect.asVoid(
    node.command(InvoiceDesk.pay(Cuid.make(user), { tally, uuid: ChitId.make(uuid(7, n)), units: BigInt(n) }))
  )

/** Messages to the peer that wait for their receipts. */
const waiting = ({ node }: Party, peer: Party) =>
  Effect.map(
    node.run(Effect.flatMap(RetryStore, (store) => store.owed({ peer: peer.node.key, limit: 100 }))),
    (owed) => owed.length
  )

const rowOf = ({ node }: Party, peer: Party) =>
  node.run(Effect.flatMap(Records, (records) => records.get(Tables.repairs, [peer.node.key])))

/** One round, of which nothing is sent: what it would say, and what it leaves to the next one. */
const round = ({ node }: Party, peer: Party) =>
  node.run(
    Effect.gen(function* () {
      const { actions } = yield* RepairDesk.round(peer.node.key)
      return actions.flatMap((action) => (action._tag === "Send" ? [action.message._tag] : []))
    })
  )

describe("what is owed to another node", () => {
  for (const side of ["stock", "foil"] as const)
    it.effect(`is said again after a while where it was lost, by ${side}`, () =>
      Effect.gen(function* () {
        const [ann, bob] = yield* start("ann", "bob")
        const tally = yield* open(ann!, bob!, 1)
        yield* paysUnheard(bob!, tally, 50)
        yield* pass("2 minutes")
        for (const party of [ann!, bob!]) assert.deepStrictEqual(yield* net(party, tally), ["open", 50n, 0n])
        const [payer, sum] = side === "stock" ? [ann!, 43n] : [bob!, 57n]
        yield* paysUnheard(payer, tally, 7)
        yield* pass("2 minutes")
        for (const party of [ann!, bob!]) assert.deepStrictEqual(yield* net(party, tally), ["open", sum, 0n])
      }).pipe(Effect.scoped)
    )

  for (const side of ["stock", "foil"] as const)
    it.effect(`waits once in the outbox, however long the other node is away, at ${side}`, () =>
      Effect.gen(function* () {
        const { ann, bob, life, revive } = yield* startRestorable
        const tally = yield* side === "stock" ? open(ann, bob, 1) : open(bob, ann, 1)
        const foil = side === "stock" ? bob : ann
        yield* paysUnheard(foil, tally, 50)
        yield* pass("2 minutes")
        yield* Scope.close(life, Exit.void)
        // The first one is said at once, the other one by the timer.
        yield* pays(ann, tally, 7)
        yield* paysUnheard(ann, tally, 8)
        const before = yield* waiting(ann, bob)
        assert.isAbove(before, 0)
        yield* pass("12 hours")
        assert.strictEqual(yield* waiting(ann, bob), before)
        yield* revive
        yield* pass("2 hours")
        const sum = side === "stock" ? 35n : 65n
        for (const party of [ann, bob]) assert.deepStrictEqual(yield* net(party, tally), ["open", sum, 0n])
        assert.strictEqual(yield* waiting(ann, bob), 0)
      }).pipe(Effect.scoped)
    )

  it.effect("is said again by a node that was started anew meanwhile", () =>
    Effect.gen(function* () {
      const { ann, bob, life, revive } = yield* startRestorable
      const tally = yield* open(ann, bob, 1)
      yield* paysUnheard(bob, tally, 50)
      yield* Scope.close(life, Exit.void)
      yield* pass("5 minutes")
      assert.deepStrictEqual(yield* net(ann, tally), ["open", 0n, 0n])
      yield* revive
      yield* pass("2 minutes")
      assert.deepStrictEqual(yield* net(ann, tally), ["open", 50n, 0n])
    }).pipe(Effect.scoped)
  )

  it.effect("is compared once a day, though nothing is owed", () =>
    Effect.gen(function* () {
      const { ann, bob, life, revive } = yield* startRestorable
      const tally = yield* open(ann, bob, 1)
      yield* paysUnheard(bob, tally, 50)
      yield* pass("5 minutes")
      yield* Scope.close(life, Exit.void)
      // Ann's node forgets it all, and nobody notices.
      yield* ann.node.run(
        Effect.gen(function* () {
          const records = yield* Records
          yield* records.remove(Tables.halves, [Cuid.make("ann"), tally])
          yield* records.remove(Tables.chits, [Cuid.make("ann"), tally, ChitId.make(uuid(7, 50))])
        })
      )
      const again = yield* Scope.make()
      yield* Scope.provide(revive, again)
      yield* pass("10 minutes")
      assert.deepStrictEqual(yield* net(ann, tally), [undefined, undefined, undefined])
      yield* Scope.close(again, Exit.void)
      yield* pass("27 hours")
      yield* revive
      yield* pass("1 minute")
      assert.deepStrictEqual(yield* net(ann, tally), ["open", 50n, 0n])
    }).pipe(Effect.scoped)
  )

  it.effect("is said again ever more rarely, an hour apart at the most, and after that tomorrow", () =>
    Effect.gen(function* () {
      const [ann, bob] = yield* start("ann", "bob")
      const tally = yield* open(ann!, bob!, 1)
      yield* paysUnheard(bob!, tally, 50)
      const waits: Array<number> = []
      for (let i = 0; i < 10; i++) {
        yield* round(bob!, ann!)
        waits.push(((yield* rowOf(bob!, ann!))?.at ?? 0) - (yield* Clock.currentTimeMillis))
      }
      for (const [i, wait] of waits.entries()) {
        const allowed = Math.min(3_600_000, 60_000 * 2 ** (i + 1))
        assert.isAtLeast(wait, allowed / 2)
        assert.isAtMost(wait, allowed)
      }
      assert.deepStrictEqual(yield* round(bob!, ann!), ["Entered"])
      yield* pass("2 hours")
      assert.deepStrictEqual(yield* round(bob!, ann!), [])
      assert.isAtLeast(((yield* rowOf(bob!, ann!))?.at ?? 0) - (yield* Clock.currentTimeMillis), 43_200_000)
    }).pipe(Effect.scoped)
  )

  it.effect("is said for a part of many tallies at a time, and for all of them in the end", () =>
    Effect.gen(function* () {
      const [ann, bob] = yield* start("ann", "bob")
      const tally = yield* open(ann!, bob!, 1)
      yield* paysUnheard(bob!, tally, 50)
      const half = (yield* bob!.node.half("bob", tally))!
      yield* bob!.node.run(
        Effect.flatMap(Records, (records) =>
          Effect.forEach(Array.from({ length: 40 }), (_, i) =>
            records.put(Tables.halves, { ...half, id: TallyId.make(uuid(10, i)), status: "open", wish: "open" })
          )
        )
      )
      const said = [yield* round(bob!, ann!), yield* round(bob!, ann!), yield* round(bob!, ann!)]
      assert.deepStrictEqual(
        said.map((messages) => messages.length),
        [16, 16, 9]
      )
      assert.isUndefined((yield* rowOf(bob!, ann!))?.going)
    }).pipe(Effect.scoped)
  )

  it.effect("is looked at soon again where something is written during a long round", () =>
    Effect.gen(function* () {
      const [ann, bob] = yield* start("ann", "bob")
      const tally = yield* open(ann!, bob!, 1)
      yield* pass("5 minutes")
      const row = (yield* rowOf(bob!, ann!))!
      assert.strictEqual(row.attempts, 0)
      const begun = yield* Clock.currentTimeMillis
      const going = { after: TallyId.make(uuid(15, 15)), isCheck: false, begun, isQuiet: true }
      yield* bob!.node.run(Effect.flatMap(Records, (records) => records.put(Tables.repairs, { ...row, going })))
      yield* paysUnheard(bob!, tally, 50)
      yield* round(bob!, ann!)
      assert.isAtLeast((yield* rowOf(bob!, ann!))?.attempts ?? 0, 1)
    }).pipe(Effect.scoped)
  )
})
