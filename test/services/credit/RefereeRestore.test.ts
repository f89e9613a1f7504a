/** A node that decides on the lifts of others, and whose database was put back to a backup. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import { LiftId } from "../../../src/protocol/credit/LiftPlan.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import * as People from "../../support/credit/CreditPeople.ts"
import { uuid } from "../../support/credit/Parties.ts"
import { pass } from "../../support/VirtualTime.ts"

const { join, open, soon, stand } = People

describe("a referee whose database was put back", () => {
  it.effect("votes good on no plan that it may have voted on before, and on later ones as ever", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const database = yield* MemoryDatabase.make
      const ann = yield* join({ network, seed: 1, name: "ann" })
      const bob = yield* join({ network, seed: 2, name: "bob", to: [ann] })
      const tally = yield* open(bob, ann)
      const life = yield* Scope.make()
      const started = { network, seed: 4, name: "dan", to: [ann, bob], database }
      const dan = yield* Scope.provide(join(started), life)
      const { host, port } = dan.node.address
      const referees = [{ key: dan.node.key, host, port }]
      const pays = Effect.fnUntraced(function* (n: number) {
        const lift = LiftId.make(uuid(5, n))
        yield* ann.does({ _tag: "PayOver", to: bob.person, units: 30n, lift, referees, life: 30_000 })
        yield* pass("5 seconds")
        return (yield* Effect.orDie(ann.node.credit.payment(ann.user, lift)))?.status
      })
      const restore = database.snapshot()
      assert.strictEqual(yield* pays(1), "good")
      yield* Scope.close(life, Exit.void)
      restore()
      yield* join(started)
      yield* soon
      assert.strictEqual(yield* pays(2), "lifting")
      yield* pass("10 minutes")
      const second = yield* Effect.orDie(ann.node.credit.payment(ann.user, LiftId.make(uuid(5, 2))))
      assert.strictEqual(second?.status, "void")
      assert.strictEqual(yield* pays(3), "good")
      for (const one of [ann, bob]) assert.deepStrictEqual(yield* stand(one, tally), ["open", 60n, 0n])
    }).pipe(Effect.scoped)
  )
})
