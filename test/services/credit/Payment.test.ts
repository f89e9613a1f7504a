/** Payments over other users' tallies, on whole nodes: a way is found, a lift goes over it, and the payment ends as that does. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Redacted, Scope } from "effect"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import type { CreditMessage } from "../../../src/protocol/credit/CreditMessage.ts"
import { digest, LiftId, type LiftPlan, type Referee } from "../../../src/protocol/credit/LiftPlan.ts"
import { promise } from "../../../src/protocol/credit/LiftRecord.ts"
import { signWith } from "../../../src/protocol/credit/Signature.ts"
import { TallyId } from "../../../src/protocol/credit/TallyDocument.ts"
import { defaults } from "../../../src/services/credit/CreditConfig.ts"
import * as Tables from "../../../src/services/credit/CreditTables.ts"
import * as Desks from "../../../src/services/credit/Desks.ts"
import { Keyring } from "../../../src/services/credit/Keyring.ts"
import * as Payments from "../../../src/services/credit/Payments.ts"
import { Records } from "../../../src/services/Records.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import * as People from "../../support/credit/CreditPeople.ts"
import { stranger, uuid } from "../../support/credit/Parties.ts"
import { pass } from "../../support/VirtualTime.ts"

const { at, join, joined, open, soon, stand } = People
const lift = LiftId.make(uuid(5, 1))

const payment = ({ node, user }: People.Somebody, id = lift) => Effect.orDie(node.credit.payment(user, id))

/** How a payment ended, why, and with which try. */
const ending = (who: People.Somebody) =>
  Effect.map(payment(who), (row) => [row?.status, row?.reason, row?.attempt] as const)

const kinds = ({ node, user }: People.Somebody) =>
  Effect.map(node.told(user), (all) => all.filter((kind) => kind.startsWith("payment.")))

const refereeOf = ({ node: { address, key } }: People.Somebody): Referee => ({
  key,
  host: address.host,
  port: address.port
})

/** A stranger's plan of a lift with this id, whose only leg is to end at somebody's node. */
const planted = (id: LiftId, { node, person }: People.Somebody): CreditMessage => {
  const { key, sign } = stranger
  const plan: LiftPlan = {
    version: 1,
    lift: id,
    legs: [{ tally: TallyId.make(uuid(3, 3)), from: key, to: node.key, by: "foil" }],
    units: 1n,
    date: 0,
    expires: 60_000,
    referees: [{ key, host: "127.0.0.1", port: 9 }],
    payor: { cuid: person.cuid, agent: key },
    payee: person,
    payorKey: key
  }
  const signed = digest(plan)
  return { _tag: "Promise", plan, authority: signWith(sign, "lift", signed), promises: [promise(signed, key, sign)] }
}

describe("a payment over others", () => {
  it.effect("tells nobody the id of its lift before that begins, who could come with another plan under it", () =>
    Effect.gen(function* () {
      const [ann, bob, cat] = yield* joined("ann", "bob", "cat")
      yield* open(bob!, ann!)
      yield* open(cat!, bob!)
      yield* ann!.does({ _tag: "PayOver", to: cat!.person, units: 70n, lift })
      const asked = yield* ann!.node.run(
        Effect.flatMap(Records, (records) => records.page(Tables.routes, "query", { limit: 10 }))
      )
      assert.deepStrictEqual(
        asked.map(({ query }) => query),
        [Payments.queryOf(lift)]
      )
      for (const one of [ann!, cat!]) {
        for (const { query } of asked)
          yield* one.node.command(Desks.hear(planted(LiftId.make(query), one), stranger.key))
      }
      yield* pass("3 seconds")
      assert.deepStrictEqual(yield* ending(ann!), ["good", undefined, 1])
    }).pipe(Effect.scoped)
  )

  it.effect("finds its way and is good, and leaves nothing held", () =>
    Effect.gen(function* () {
      const [ann, bob, cat] = yield* joined("ann", "bob", "cat")
      const first = yield* open(bob!, ann!)
      const second = yield* open(cat!, bob!)
      const paid = { _tag: "PayOver", to: cat!.person, units: 70n, memo: "honey", lift } as const
      assert.deepStrictEqual(yield* ann!.does(paid, "honey"), { lift })
      yield* pass("3 seconds")
      assert.deepStrictEqual(yield* ending(ann!), ["good", undefined, 1])
      for (const one of [ann!, bob!]) assert.deepStrictEqual(yield* stand(one, first), ["open", 70n, 0n])
      for (const one of [bob!, cat!]) assert.deepStrictEqual(yield* stand(one, second), ["open", 70n, 0n])
      assert.deepStrictEqual(yield* kinds(ann!), ["payment.begun", "payment.good"])
      assert.deepStrictEqual(yield* ann!.does(paid, "honey"), { lift })
      assert.strictEqual(yield* ann!.tries(paid), "known-lift")
      assert.strictEqual((yield* ann!.node.credit.payments(ann!.user, { limit: 10 })).length, 1)
      assert.isUndefined(yield* payment(bob!))
      // It went over Bob, who has looked for nothing.
      assert.isDefined(yield* ann!.node.credit.route(ann!.user, Payments.queryOf(lift)))
      assert.isUndefined(yield* bob!.node.credit.route(bob!.user, Payments.queryOf(lift)))
    }).pipe(Effect.scoped)
  )

  for (const [what, config, status, tries] of [
    ["a search", { routes: { ...defaults.routes, mostWait: 1_000 } }, "failed", 1],
    ["a lift", { marginMillis: 3_600_000 }, "void", 2]
  ] as const)
    it.effect(`ends as too late where ${what} is that by the clock of a node on the way`, () =>
      Effect.gen(function* () {
        const network = new MemoryNetwork()
        const ann = yield* join({ network, seed: 1, name: "ann" })
        const bob = yield* join({ network, seed: 2, name: "bob", to: [ann], config })
        const cat = yield* join({ network, seed: 3, name: "cat", to: [ann, bob] })
        yield* open(bob, ann)
        yield* open(cat, bob)
        yield* ann.does({ _tag: "PayOver", to: cat.person, units: 70n, lift })
        yield* pass("3 minutes")
        assert.deepStrictEqual(yield* ending(ann), [status, "too-late", tries])
      }).pipe(Effect.scoped)
    )

  it.effect("goes to a neighbour over their own tally, and within a node is over at once", () =>
    Effect.gen(function* () {
      const [ann, bob] = yield* joined("ann", "bob")
      const eve = at(ann!.node, "eve")
      yield* eve.does({ _tag: "PutUser", type: "person", name: "Eve" })
      const far = yield* open(bob!, ann!)
      const near = yield* open(eve, ann!)
      yield* ann!.does({ _tag: "PayOver", to: bob!.person, units: 30n, lift })
      const other = LiftId.make(uuid(5, 2))
      yield* ann!.does({ _tag: "PayOver", to: eve.person, units: 20n, lift: other })
      assert.strictEqual((yield* payment(ann!, other))?.status, "good")
      assert.deepStrictEqual(yield* stand(eve, near), ["open", 20n, 0n])
      yield* pass("3 seconds")
      assert.deepStrictEqual(yield* ending(ann!), ["good", undefined, 1])
      assert.deepStrictEqual(yield* stand(bob!, far), ["open", 30n, 0n])
    }).pipe(Effect.scoped)
  )

  it.effect("clears a circle over the tally on which most is owed", () =>
    Effect.gen(function* () {
      const [ann, bob, cat] = yield* joined("ann", "bob", "cat")
      const all: ReadonlyArray<readonly [People.Somebody, People.Somebody]> = [
        [ann!, bob!],
        [bob!, cat!],
        [cat!, ann!]
      ]
      const tallies = yield* Effect.forEach(all, ([stock, foil]) => open(stock, foil))
      for (const [index, [, foil]] of all.entries()) {
        yield* foil.does({ _tag: "Pay", tally: tallies[index]!, units: 100n })
      }
      yield* soon
      assert.strictEqual(yield* ann!.tries({ _tag: "PayOver", units: 1_500n, lift }), "no-circle")
      yield* ann!.does({ _tag: "PayOver", units: 60n, lift })
      yield* pass("3 seconds")
      assert.deepStrictEqual(yield* ending(ann!), ["good", undefined, 1])
      for (const [index, [stock]] of all.entries()) {
        assert.deepStrictEqual(yield* stand(stock, tallies[index]!), ["open", 40n, 0n])
      }
    }).pipe(Effect.scoped)
  )

  it.effect("fails at once where there is no way", () =>
    Effect.gen(function* () {
      const [ann, bob, cat] = yield* joined("ann", "bob", "cat")
      yield* open(bob!, ann!)
      yield* ann!.does({ _tag: "PayOver", to: cat!.person, units: 70n, lift })
      yield* pass("3 seconds")
      assert.deepStrictEqual(yield* ending(ann!), ["failed", "no-way", 1])
      assert.deepStrictEqual(yield* kinds(ann!), ["payment.begun", "payment.failed"])
    }).pipe(Effect.scoped)
  )

  it.effect("fails when its time is over though its node was down meanwhile", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const database = yield* MemoryDatabase.make
      const [one, two] = [yield* Scope.make(), yield* Scope.make()]
      const bob = yield* Scope.provide(join({ network, seed: 1, name: "bob" }), two)
      const joining = { network, seed: 2, name: "ann", to: [bob], database }
      const ann = yield* Scope.provide(join(joining), one)
      yield* soon
      yield* open(bob, ann)
      yield* Scope.close(two, Exit.void)
      const paid = { _tag: "PayOver", to: { ...bob.person, cuid: ann.user }, units: 70n, lift, life: 60_000 } as const
      yield* ann.does(paid)
      yield* soon
      assert.deepStrictEqual(yield* ending(ann), ["seeking", undefined, 1])
      yield* Scope.close(one, Exit.void)
      yield* pass("2 minutes")
      const back = yield* join(joining)
      yield* soon
      assert.deepStrictEqual(yield* ending(back), ["failed", "no-way", 1])
    }).pipe(Effect.scoped)
  )

  it.effect("goes over another way if somebody on the first one refuses", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const ann = yield* join({ network, seed: 1, name: "ann" })
      const never = { accepts: () => false }
      const bob = yield* join({ network, seed: 2, name: "bob", to: [ann], config: never })
      const dan = yield* join({ network, seed: 4, name: "dan", to: [ann, bob] })
      yield* soon
      // The tally with most room is asked first.
      const through = [yield* open(bob, ann, 2_000n), yield* open(dan, bob)]
      const life = 600_000
      yield* ann.does({ _tag: "PayOver", to: dan.person, units: 70n, lift, life })
      yield* pass("5 seconds")
      // It has looked for another way, and the only one there is was refused: it does not wait until its time is over.
      assert.deepStrictEqual(yield* ending(ann), ["void", "refused", 2])
      assert.deepStrictEqual((yield* kinds(ann)).slice(-1), ["payment.void"])
      const cat = yield* join({ network, seed: 3, name: "cat", to: [ann, bob, dan] })
      yield* soon
      const around = [yield* open(cat, ann), yield* open(dan, cat)]
      const other = LiftId.make(uuid(5, 2))
      yield* ann.does({ _tag: "PayOver", to: dan.person, units: 50n, lift: other, life })
      yield* pass("10 seconds")
      const paid = yield* payment(ann, other)
      assert.deepStrictEqual([paid?.status, paid?.attempt], ["good", 2])
      for (const tally of around) assert.deepStrictEqual((yield* stand(cat, tally))[1], 50n)
      for (const tally of through) assert.deepStrictEqual(yield* stand(bob, tally), ["open", 0n, 0n])
    }).pipe(Effect.scoped)
  )

  it.effect("that its payor wants no more is not tried again, and void once who decides says so", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const database = yield* MemoryDatabase.make
      const ann = yield* join({ network, seed: 1, name: "ann" })
      const bob = yield* join({ network, seed: 2, name: "bob", to: [ann], config: { accepts: () => false } })
      const life = yield* Scope.make()
      const joining = { network, seed: 3, name: "dan", database, to: [ann, bob] }
      const dan = yield* Scope.provide(join(joining), life)
      yield* soon
      const tally = yield* open(bob, ann)
      yield* Scope.close(life, Exit.void)
      const paid = { _tag: "PayOver", to: bob.person, units: 70n, lift, referees: [refereeOf(dan)] } as const
      yield* ann.does({ ...paid, life: 3_600_000 })
      yield* pass("10 seconds")
      // Bob has refused, but only the referee ends it.
      assert.deepStrictEqual(yield* stand(ann, tally), ["open", 0n, 70n])
      assert.strictEqual(yield* bob.tries({ _tag: "AbortLift", lift }), "not-the-payor")
      yield* ann.does({ _tag: "AbortLift", lift })
      assert.deepStrictEqual(yield* ending(ann), ["lifting", "aborted", 1])
      yield* join(joining)
      yield* pass("6 minutes")
      assert.deepStrictEqual(yield* ending(ann), ["void", "aborted", 1])
      for (const one of [ann, bob]) assert.deepStrictEqual(yield* stand(one, tally), ["open", 0n, 0n])
      assert.strictEqual(yield* ann.tries({ _tag: "AbortLift", lift }), "ended")
    }).pipe(Effect.scoped)
  )

  it.effect("is not made for whoever keeps their key, nor with referees that cannot decide", () =>
    Effect.gen(function* () {
      const [ann, bob] = yield* joined("ann", "bob")
      const eve = at(ann!.node, "eve")
      const keys = yield* Keyring.pipe(Effect.provide(Keyring.layer(Redacted.make(new Uint8Array(32).fill(9)))))
      yield* eve.does({ _tag: "PutUser", type: "person", name: "Eve", key: keys.keyOf(eve.user) })
      const paid = { _tag: "PayOver", to: bob!.person, units: 70n, lift } as const
      assert.strictEqual(yield* eve.tries(paid), "unsigned")
      const two = [refereeOf(ann!), refereeOf(bob!)]
      assert.strictEqual(yield* ann!.tries({ ...paid, referees: two }), "referees")
      assert.strictEqual(yield* ann!.tries({ ...paid, referees: [two[0]!, two[0]!, two[1]!] }), "referees")
      assert.deepStrictEqual(yield* kinds(ann!), [])
    }).pipe(Effect.scoped)
  )
})
