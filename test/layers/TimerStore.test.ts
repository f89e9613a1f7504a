import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { SqlClient } from "effect/sql"
import { TimerStore } from "../../src/services/delivery/TimerStore.ts"
import { Transactions } from "../../src/services/Transactions.ts"
import { uuid } from "../support/Messages.ts"
import { databases, postgres } from "../support/Stores.ts"
import * as TimerStoreContract from "../support/TimerStoreContract.ts"

for (const { name, stores } of databases) TimerStoreContract.timers(name, stores)

const { at, claim, timer } = TimerStoreContract

layer(postgres)("a timer store with several connections", (it) => {
  it.effect("gives two who claim at the same moment different timers, without waiting", () =>
    Effect.gen(function* () {
      const store = yield* TimerStore
      const { within } = yield* Transactions
      for (let n = 0; n < 4; n++) yield* store.set(timer({ at: n }), at(0))
      const claims = yield* Deferred.make<void>()
      const done = yield* Deferred.make<void>()
      const first = yield* within(
        Effect.tap(claim(at(10), { limit: 2 }), () =>
          Effect.andThen(Deferred.succeed(claims, undefined), Deferred.await(done))
        )
      ).pipe(Effect.forkChild)
      yield* Deferred.await(claims)
      const second = yield* claim(at(10))
      yield* Deferred.succeed(done, undefined)
      const ids = [...(yield* Fiber.join(first)), ...second].map(({ id }) => id)
      assert.strictEqual(ids.length, 4)
      assert.strictEqual(new Set(ids).size, 4)
    })
  )

  it.effect("cancels nothing that is just taking effect, and says so once it has", () =>
    Effect.gen(function* () {
      const store = yield* TimerStore
      const { within } = yield* Transactions
      const holder = uuid()
      const one = timer({ at: 0 })
      yield* store.set(one, at(0))
      yield* claim(at(10), { holder })
      const [runs, ends] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const running = yield* within(
        Effect.gen(function* () {
          yield* store.finish(one.id, holder)
          yield* Deferred.succeed(runs, undefined)
          yield* Deferred.await(ends)
        })
      ).pipe(Effect.forkChild)
      yield* Deferred.await(runs)
      const cancelling = yield* Effect.forkChild(store.cancel(one.id), { startImmediately: true })
      assert.isUndefined(cancelling.pollUnsafe())
      yield* Deferred.succeed(ends, undefined)
      yield* Fiber.join(running)
      assert.isFalse(yield* Fiber.join(cancelling))
    })
  )

  it.effect("finds what is due by an index, however many timers there are", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`
        INSERT INTO holdfast_timers (id, protocol, subject, due_at, next_at, steady, payload)
        SELECT 'many ' || n, 'lift', '', 1000000 + n, 1000000 + n, n % 2 = 0, '' FROM generate_series(1, 50000) n`
      yield* sql`ANALYZE holdfast_timers`
      const plan = yield* sql<{ readonly "QUERY PLAN": string }>`
        EXPLAIN SELECT id FROM holdfast_timers
        WHERE (steady AND next_at <= 10::bigint + coalesce((SELECT ahead FROM holdfast_steady_time), 0))
          OR (NOT steady AND next_at <= 10::bigint)
        ORDER BY next_at, id LIMIT 32 FOR UPDATE SKIP LOCKED`
      const text = plan.map((row) => row["QUERY PLAN"]).join("\n")
      for (const index of ["holdfast_timers_steady", "holdfast_timers_wall"]) assert.include(text, index)
      assert.notInclude(text, "Seq Scan on holdfast_timers")
    })
  )
})
