/** Whole nodes with users who give credit: the desks, the protocol and delivery together. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import { Cuid } from "../../../src/protocol/credit/Chad.ts"
import { ChitId, type Settings } from "../../../src/protocol/credit/Chit.ts"
import * as InvoiceDesk from "../../../src/services/credit/InvoiceDesk.ts"
import * as LiftDesk from "../../../src/services/credit/LiftDesk.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import { join, net, open, type Party, plan, soon, start } from "../../support/credit/CreditParty.ts"
import { uuid } from "../../support/credit/Parties.ts"
import { pass } from "../../support/VirtualTime.ts"

/** No audit of any of these nodes finds anything. */
const areSound = Effect.fnUntraced(function* (...parties: ReadonlyArray<Party>) {
  for (const { node, user } of parties) assert.deepStrictEqual(yield* node.findings, [], user)
})

describe("nodes whose users give credit", () => {
  it.effect("open a tally by a ticket, and keep one order of what both write on it", () =>
    Effect.gen(function* () {
      const [ann, bob] = yield* start("ann", "bob")
      const tally = yield* open(ann!, bob!, 1)
      const asked = { tally, uuid: ChitId.make(uuid(7, 1)), units: 300n, memo: "bread" }
      assert.isUndefined(yield* ann!.node.command(InvoiceDesk.ask(Cuid.make("ann"), asked)))
      yield* soon
      assert.isUndefined(yield* bob!.node.command(InvoiceDesk.pay(Cuid.make("bob"), asked)))
      yield* soon
      const unasked = { tally, uuid: ChitId.make(uuid(7, 2)), units: 100n }
      assert.isUndefined(yield* ann!.node.command(InvoiceDesk.pay(Cuid.make("ann"), unasked)))
      yield* soon
      for (const party of [ann!, bob!]) assert.deepStrictEqual(yield* net(party, tally), ["open", 200n, 0n])
      yield* areSound(ann!, bob!)
      const much = { tally, uuid: ChitId.make(uuid(7, 3)), units: 801n }
      assert.strictEqual(yield* bob!.node.command(InvoiceDesk.pay(Cuid.make("bob"), much)), "no-room")
      assert.deepStrictEqual(yield* bob!.node.told("bob"), [
        "user.added",
        "ticket.granted",
        "tally.received",
        "tally.open",
        "chit.asked",
        "chit.good"
      ])
    }).pipe(Effect.scoped)
  )

  it.effect("set nothing more on a tally that is to be closed, which ends at zero at both ends", () =>
    Effect.gen(function* () {
      const [ann, bob] = yield* start("ann", "bob")
      const tally = yield* open(ann!, bob!, 1)
      const set = (number: number, sets: Settings) =>
        bob!.node.command(InvoiceDesk.set(Cuid.make("bob"), { tally, uuid: ChitId.make(uuid(7, number)), sets }))
      assert.isUndefined(yield* set(1, { close: true }))
      assert.strictEqual(yield* set(2, { bound: 5n }), "closing")
      yield* soon
      for (const party of [ann!, bob!]) assert.deepStrictEqual(yield* net(party, tally), ["closed", 0n, 0n])
    }).pipe(Effect.scoped)
  )

  it.effect("find a way over somebody else, and pay over it by a lift that leaves nothing held", () =>
    Effect.gen(function* () {
      const [ann, bob, cat] = yield* start("ann", "bob", "cat")
      // Bob takes Ann's word, and Cat takes Bob's.
      const first = yield* open(bob!, ann!, 1)
      const second = yield* open(cat!, bob!, 2)
      assert.isUndefined(yield* ann!.node.command(LiftDesk.begin(yield* plan(ann!, cat!, 70n))))
      yield* soon
      yield* soon
      for (const party of [ann!, bob!]) assert.deepStrictEqual(yield* net(party, first), ["open", 70n, 0n])
      for (const party of [bob!, cat!]) assert.deepStrictEqual(yield* net(party, second), ["open", 70n, 0n])
      assert.include(yield* ann!.node.told("ann"), "lift.good")
      yield* areSound(ann!, bob!, cat!)
      assert.include(yield* cat!.node.told("cat"), "lift.good")
    }).pipe(Effect.scoped)
  )

  it.effect("begin a lift whatever else whoever wants it has brought", () =>
    Effect.gen(function* () {
      const [ann, bob] = yield* start("ann", "bob")
      const tally = yield* open(bob!, ann!, 1)
      const brought = { ...(yield* plan(ann!, bob!, 70n)), _tag: "Abort", found: [], now: 0 }
      assert.isUndefined(yield* ann!.node.command(LiftDesk.begin(brought)))
      yield* soon
      for (const party of [ann!, bob!]) assert.deepStrictEqual(yield* net(party, tally), ["open", 70n, 0n])
    }).pipe(Effect.scoped)
  )

  it.effect("hold what they have promised while who decides is away, and give it back once that is void", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const database = yield* MemoryDatabase.make
      const ann = yield* join(network, 1, "ann", [])
      const bob = yield* join(network, 2, "bob", [ann])
      const life = yield* Scope.make()
      const cat = yield* Scope.provide(join(network, 3, "cat", [ann, bob], database), life)
      for (const { node, user } of [ann, bob, cat]) assert.isUndefined(yield* node.add(user))
      yield* soon
      const first = yield* open(bob, ann, 1)
      const second = yield* open(cat, bob, 2)
      const signed = yield* plan(ann, cat, 70n)
      yield* Scope.close(life, Exit.void)
      assert.isUndefined(yield* ann.node.command(LiftDesk.begin(signed)))
      yield* pass("10 minutes")
      yield* areSound(ann, bob)
      // Nobody lets go alone, however long it takes.
      assert.deepStrictEqual(yield* net(ann, first), ["open", 0n, 70n])
      assert.deepStrictEqual(yield* net(bob, second), ["open", 0n, 70n])
      const back = yield* join(network, 3, "cat", [ann, bob], database)
      yield* pass("6 minutes")
      for (const party of [ann, bob]) assert.deepStrictEqual(yield* net(party, first), ["open", 0n, 0n])
      for (const party of [bob, back]) assert.deepStrictEqual(yield* net(party, second), ["open", 0n, 0n])
      assert.include(yield* ann.node.told("ann"), "lift.void")
      yield* areSound(ann, bob, back)
    }).pipe(Effect.scoped)
  )
})
