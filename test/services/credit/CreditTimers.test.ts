/** Lifts and queries of which every message is lost end by their timers. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { Cuid } from "../../../src/protocol/credit/Chad.ts"
import { QueryId } from "../../../src/protocol/credit/Route.ts"
import type { Answer } from "../../../src/services/credit/Answer.ts"
import * as CreditProtocol from "../../../src/services/credit/CreditProtocol.ts"
import * as LiftDesk from "../../../src/services/credit/LiftDesk.ts"
import * as RouteDesk from "../../../src/services/credit/RouteDesk.ts"
import { net, open, plan, soon, start } from "../../support/credit/CreditParty.ts"
import { uuid } from "../../support/credit/Parties.ts"
import { pass } from "../../support/VirtualTime.ts"

/** What is said of it is lost. */
const unheard = <R>(work: Effect.Effect<Answer, SqlError, R>) =>
  Effect.flatMap(work, (answer) => {
    assert.isUndefined(answer.unfit)
    return CreditProtocol.perform({ ...answer, actions: [] })
  })

describe("what nobody has heard of", () => {
  it.effect("is asked for once its time is over, where it is a lift", () =>
    Effect.gen(function* () {
      const [ann, bob, cat] = yield* start("ann", "bob", "cat")
      const first = yield* open(bob!, ann!, 1)
      yield* open(cat!, bob!, 2)
      const signed = yield* plan(ann!, cat!, 70n)
      yield* ann!.node.run(unheard(LiftDesk.begin(signed)))
      yield* pass("30 seconds")
      assert.deepStrictEqual(yield* net(ann!, first), ["open", 0n, 70n])
      yield* pass("1 minute")
      assert.deepStrictEqual(yield* net(ann!, first), ["open", 0n, 0n])
      assert.include(yield* ann!.node.told("ann"), "lift.void")
    }).pipe(Effect.scoped)
  )

  it.effect("is tried again, where it is a query", () =>
    Effect.gen(function* () {
      const [ann, bob] = yield* start("ann", "bob")
      yield* open(bob!, ann!, 1)
      const find = { cuid: Cuid.make("bob"), agent: bob!.node.key }
      const begun = { query: QueryId.make(uuid(6, 1)), units: 5n, to: { find } }
      yield* ann!.node.run(unheard(RouteDesk.begin(Cuid.make("ann"), begun)))
      yield* soon
      assert.notInclude(yield* ann!.node.told("ann"), "route.found")
      yield* pass("1 minute")
      assert.include(yield* ann!.node.told("ann"), "route.found")
    }).pipe(Effect.scoped)
  )
})
