/** Nodes that were never connected by hand reach each other by what invitations, certificates and plans say. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { Endpoint } from "../../../src/protocol/Address.ts"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import { LiftId } from "../../../src/protocol/credit/LiftPlan.ts"
import { placeOf } from "../../../src/services/credit/CreditConfig.ts"
import { PeerBook } from "../../../src/services/link/PeerBook.ts"
import * as Reach from "../../../src/services/credit/Reach.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import * as CreditNode from "../../support/credit/CreditNode.ts"
import * as People from "../../support/credit/CreditPeople.ts"
import { uuid } from "../../support/credit/Parties.ts"
import { pass } from "../../support/VirtualTime.ts"

const { draft, join, open, soon, stand } = People

const bookOf = ({ node }: People.Somebody, of: People.Somebody) =>
  node.run(Effect.flatMap(PeerBook, (book) => book.find(of.node.key)))

describe("nodes that have never met", () => {
  it.effect("open a tally by a ticket alone, and pay on it", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const ann = yield* join({ network, seed: 1, name: "ann" })
      const bob = yield* join({ network, seed: 2, name: "bob" })
      yield* soon
      assert.isUndefined(yield* bookOf(bob, ann))
      const tally = yield* open(ann, bob)
      yield* bob.does({ _tag: "Pay", tally, units: 30n })
      yield* soon
      for (const one of [ann, bob]) assert.deepStrictEqual(yield* stand(one, tally), ["open", 30n, 0n])
    }).pipe(Effect.scoped)
  )

  it.effect("reach a partner again whom their database has forgotten where to find", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const ann = yield* join({ network, seed: 1, name: "ann" })
      const bob = yield* join({ network, seed: 2, name: "bob", to: [ann] })
      const tally = yield* open(ann, bob)
      // As Ann's certificate in the tally says.
      const place = yield* ann.node.run(
        Reach.placeOf(bob.node.key, { _tag: "Withdraw", tally, by: "stock", revision: 1 })
      )
      assert.deepInclude(place, { host: bob.node.address.host, port: bob.node.address.port })
    }).pipe(Effect.scoped)
  )

  it.effect("let a relay ask a referee whom only the plan names", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const [base, referee] = [yield* MemoryDatabase.make, { network, seed: 4, name: "dan" }]
      const [one, two] = [yield* Scope.make(), yield* Scope.make()]
      const ann = yield* Scope.provide(join({ network, seed: 1, name: "ann" }), one)
      const bob = yield* join({ network, seed: 2, name: "bob" })
      const cat = yield* join({ network, seed: 3, name: "cat" })
      const dan = yield* Scope.provide(join({ ...referee, database: base }), two)
      const tallies = [yield* open(bob, ann), yield* open(cat, bob)]
      yield* Scope.close(two, Exit.void)
      const { host, port } = dan.node.address
      const referees = [{ key: dan.node.key, host, port }]
      const lift = LiftId.make(uuid(5, 1))
      yield* ann.does({ _tag: "PayOver", to: cat.person, units: 70n, lift, referees, life: 60_000 })
      yield* pass("5 seconds")
      assert.deepStrictEqual(yield* stand(bob, tallies[1]!), ["open", 0n, 70n])
      // Whoever has begun it never returns; the others have to ask themselves.
      yield* Scope.close(one, Exit.void)
      yield* pass("90 seconds")
      yield* join({ ...referee, database: base })
      yield* pass("10 minutes")
      for (const party of [bob, cat]) assert.strictEqual((yield* stand(party, tallies[1]!))[2], 0n)
      assert.isDefined((yield* bookOf(bob, dan))?.lastConnectedAt)
    }).pipe(Effect.scoped)
  )

  it.effect("never replace an address that is configured or has worked by one that somebody has said", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const ann = yield* join({ network, seed: 1, name: "ann" })
      const bob = yield* join({ network, seed: 2, name: "bob" })
      const cat = yield* join({ network, seed: 3, name: "cat" })
      yield* ann.node.connect(bob.node)
      yield* soon
      const { tally } = yield* bob.does(draft)
      const issued = (yield* bob.does({ _tag: "IssueTicket", tally: tally!, reuse: true })).invitation!
      const show = (who: People.Somebody, host: string) =>
        who.does({ _tag: "ShowTicket", invitation: { ...issued, chad: { ...issued.chad, host } } })
      yield* show(ann, "10.9.9.9")
      assert.strictEqual((yield* bookOf(ann, bob))?.endpoint?.host, bob.node.address.host)
      // Ann has dialled Bob, who knows her address by her own word alone.
      const drafted = yield* ann.does(draft)
      const { invitation } = yield* ann.does({ _tag: "IssueTicket", tally: drafted.tally!, reuse: true })
      const wrong = { ...invitation!, chad: { ...invitation!.chad, host: "10.9.9.9" } }
      yield* bob.does({ _tag: "ShowTicket", invitation: wrong })
      assert.strictEqual((yield* bookOf(bob, ann))?.endpoint?.host, ann.node.address.host)
      // Where nothing has worked yet, what was said last is tried.
      yield* show(cat, "10.9.9.9")
      assert.strictEqual((yield* bookOf(cat, bob))?.endpoint?.host, "10.9.9.9")
      yield* show(cat, bob.node.address.host)
      yield* pass("1 minute")
      assert.strictEqual((yield* bookOf(cat, bob))?.endpoint?.host, bob.node.address.host)
      yield* show(cat, "10.9.9.9")
      assert.instanceOf((yield* bookOf(cat, bob))?.endpoint, Endpoint)
      assert.strictEqual((yield* bookOf(cat, bob))?.endpoint?.host, bob.node.address.host)
    }).pipe(Effect.scoped)
  )
})

describe("a node that everybody can listen to, and nobody can dial", () => {
  const port = 4000

  it("is nowhere until it is told where it is reached", () => {
    const listening = (host: string) => placeOf({}, { host, port })
    for (const host of ["0.0.0.0", "::", "0:0:0:0:0:0:0:0", "::ffff:0.0.0.0"]) assert.isUndefined(listening(host), host)
    for (const host of ["10.0.0.0", "::1", "node.example", "1::"])
      assert.deepStrictEqual(listening(host), { host, port })
    assert.isUndefined(placeOf({}, undefined))
    const place = { host: "node.example", port: 1 }
    assert.deepStrictEqual(placeOf({ place }, { host: "0.0.0.0", port }), place)
    assert.isUndefined(placeOf({ place: { host: "::", port } }, place))
  })

  it.effect("writes no certificate meanwhile", () =>
    Effect.gen(function* () {
      const config = { place: { host: "0.0.0.0", port } }
      const node = yield* CreditNode.start({ network: new MemoryNetwork(), seed: 1, config })
      assert.strictEqual(yield* node.tell("ann", { _tag: "PutUser", type: "person", name: "Ann" }), "no-place")
    }).pipe(Effect.scoped)
  )
})
