/**
 * Many messages through one PostgreSQL: its tables and indexes stay small. Sizes count here, and no times: the server
 * does not clean up by itself meanwhile, for while it does the store's own cleaning leaves the table out, and whoever
 * sends waits until the store has cleaned.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { CleanupInterval } from "../../src/layers/retry/SqlVacuum.ts"
import { RetryStore } from "../../src/services/delivery/RetryStore.ts"
import { batch, messages, number, settling, stranger, uuid } from "../support/Messages.ts"
import { postgres } from "../support/Stores.ts"

const many = 100_000
const group = 1_000
const window = { messages: group, bytes: 10_000_000 }
const body = new Uint8Array(200).fill(7)

/** Bytes of a table with its indexes. */
const sizeOf = Effect.fnUntraced(function* (table: string) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ readonly size: bigint }>`SELECT pg_total_relation_size(${table}::regclass) AS size`
  return Number(row?.size ?? 0n)
})

const onlyTheStoreCleans = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const table of ["holdfast_outbox", "holdfast_outcomes", "holdfast_applied", "holdfast_held"])
    yield* sql`ALTER TABLE ${sql(table)} SET (autovacuum_enabled = off)`
})

const cleaned = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const cleaning = sql`
    SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE 'VACUUM%'`
  while ((yield* cleaning).length > 0) yield* Effect.yieldNow
})

const stores = postgres.pipe(Layer.provide(Layer.succeed(CleanupInterval, 10_000)))

layer(stores, { excludeTestServices: true })("the tables of PostgreSQL", (it) => {
  it.effect(`trap 14: stay small while ${many} messages are sent and received`, () =>
    Effect.gen(function* () {
      yield* onlyTheStoreCleans
      const store = yield* RetryStore
      const [to, from] = [yield* store.claim(stranger()), yield* store.claim(stranger())]
      const stream = uuid()
      const sizes: Array<number> = []
      for (let sent = 0; sent < many; sent += group) {
        yield* store.enqueue(messages(to.peer, group, { body }), sent)
        const numbered = yield* number(store, to, window, sent)
        assert.strictEqual(numbered.length, group)
        yield* store.settle(to, { upTo: BigInt(sent + group), answers: [] }, settling(sent))
        yield* store.received(
          from,
          batch({
            stream,
            adopts: sent === 0,
            position: BigInt(sent + group),
            applied: numbered.map(({ id }) => id)
          }),
          sent
        )
        yield* store.prune({ before: sent - 10 * group, ids: 1_000_000, limit: 1_000 })
        yield* cleaned
        sizes.push((yield* sizeOf("holdfast_outbox")) + (yield* sizeOf("holdfast_applied")))
      }
      const [early, late] = [Math.max(...sizes.slice(0, sizes.length / 2)), Math.max(...sizes)]
      // Without cleaning they grow to almost four times that.
      assert.isBelow(late, 20 * 1024 * 1024)
      assert.isAtMost(late, 1.5 * early)
      const sql = yield* SqlClient.SqlClient
      assert.deepStrictEqual(yield* sql`SELECT count(*)::int AS rows FROM holdfast_outbox`, [{ rows: 0 }])
    })
  )
})
