/** On whose lifts a node decides as a referee, as its operator has said, and what becomes of the others. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Config } from "../../../src/services/credit/CreditConfig.ts"
import { LiftId } from "../../../src/protocol/credit/LiftPlan.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import * as People from "../../support/credit/CreditPeople.ts"
import { uuid } from "../../support/credit/Parties.ts"
import { pass } from "../../support/VirtualTime.ts"

const { join, open, soon, stand } = People

/** Ann, who can pay Bob, and Dan, whose node decides for whomever is said once the others are known. */
const started = Effect.fnUntraced(function* (decidesFor: (ann: People.Somebody) => Config["decidesFor"]) {
  const network = new MemoryNetwork()
  const ann = yield* join({ network, seed: 1, name: "ann" })
  const bob = yield* join({ network, seed: 2, name: "bob", to: [ann] })
  const config = { decidesFor: decidesFor(ann) }
  const dan = yield* join({ network, seed: 4, name: "dan", to: [ann, bob], config })
  const tally = yield* open(bob, ann)
  const { host, port } = dan.node.address
  const referees = [{ key: dan.node.key, host, port }]
  const pays = Effect.fnUntraced(function* (who: People.Somebody, to: People.Somebody, n: number) {
    const lift = LiftId.make(uuid(5, n))
    yield* who.does({ _tag: "PayOver", to: to.person, units: 30n, lift, referees })
    yield* pass("5 seconds")
    const payment = yield* Effect.orDie(who.node.credit.payment(who.user, lift))
    return [payment?.status, payment?.reason]
  })
  return { ann, bob, dan, tally, pays }
})

describe("a node that others name as a referee", () => {
  it.effect("decides for the nodes that its operator has named", () =>
    Effect.gen(function* () {
      const { ann, bob, pays, tally } = yield* started((ann) => new Set([ann.node.key]))
      assert.deepStrictEqual(yield* pays(ann, bob, 1), ["good", undefined])
      // Bob pays back, and nobody has named his node.
      assert.deepStrictEqual(yield* pays(bob, ann, 2), ["void", "declined"])
      for (const one of [ann, bob]) assert.deepStrictEqual(yield* stand(one, tally), ["open", 30n, 0n])
    }).pipe(Effect.scoped)
  )

  it.effect("decides for its own users at any rate, and what it declines is free again at once", () =>
    Effect.gen(function* () {
      const { ann, bob, dan, pays, tally } = yield* started(() => new Set())
      assert.deepStrictEqual(yield* pays(ann, bob, 1), ["void", "declined"])
      for (const one of [ann, bob]) assert.deepStrictEqual(yield* stand(one, tally), ["open", 0n, 0n])
      yield* open(bob, dan)
      yield* soon
      assert.deepStrictEqual(yield* pays(dan, bob, 2), ["good", undefined])
    }).pipe(Effect.scoped)
  )
})
