import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { CleanupInterval } from "../../src/layers/retry/SqlVacuum.ts"
import { RetryStore } from "../../src/services/delivery/RetryStore.ts"
import { Transactions } from "../../src/services/Transactions.ts"
import { answer, later, message, messages, settling, stranger, number } from "../support/Messages.ts"
import { pglite, postgres } from "../support/Stores.ts"

const every = (interval: number) => Layer.succeed(CleanupInterval, interval)

/** Sends `count` messages of `size` bytes through the outbox, in batches of 500. */
const pass = Effect.fnUntraced(function* (count: number, size: number) {
  const store = yield* RetryStore
  const peer = stranger()
  const link = yield* store.claim(peer)
  for (let sent = 500; sent <= count; sent += 500) {
    yield* store.enqueue(messages(peer, 500, { body: new Uint8Array(size) }), 1)
    yield* number(store, link, { messages: 500, bytes: 1e9 }, 1)
    yield* store.settle(link, { upTo: BigInt(sent), answers: [] }, settling(1))
  }
})

/** Bytes on the disk. */
const size = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ readonly size: bigint }>`SELECT pg_table_size('holdfast_outbox') AS size`
  return Number(rows[0]?.size)
})

layer(pglite.pipe(Layer.provide(every(1_000))))("the outbox on the embedded database", (it) => {
  it.effect("stays small, although nothing but the store cleans it up", () =>
    Effect.gen(function* () {
      yield* pass(3_000, 1_024)
      const early = yield* size
      yield* pass(12_000, 1_024)
      // Twice 12 MB of dead rows, were they kept.
      assert.isBelow(yield* size, early + 4_000_000)
    })
  )
})

for (const { name, stores } of [
  { name: "PGlite", stores: pglite },
  { name: "PostgreSQL", stores: postgres }
]) {
  layer(stores)(`the outbox in ${name}`, (it) => {
    it.effect("has nothing of a savepoint that went on after one of its statements had failed", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const sql = yield* SqlClient.SqlClient
        const { within } = yield* Transactions
        const [peer, kept] = [stranger(), message(stranger())]
        const careless = Effect.gen(function* () {
          yield* store.enqueue([message(peer)], 1)
          yield* Effect.ignore(sql`INSERT INTO no_such_table VALUES (1)`)
        })
        const woken = yield* within(
          Effect.gen(function* () {
            yield* store.enqueue([kept], 1)
            assert.strictEqual((yield* Effect.exit(within(careless)))._tag, "Failure")
            return yield* store.enqueue([message(peer, { subject: "again" })], 1)
          })
        )
        assert.deepStrictEqual(woken, [peer])
        const owed = yield* store.owed({ limit: 10, peer })
        assert.deepStrictEqual(
          owed.map(({ subject }) => subject),
          ["again"]
        )
        assert.strictEqual((yield* store.owed({ limit: 10, peer: kept.peer })).length, 1)
      })
    )

    // What there was when the statements were planned, or is when they are planned for the first time.
    const few = [1, 2, 5].map((left) => ({
      when: `that ${left} of its rows are left`,
      left,
      planned: false,
      counts: false
    }))
    for (const { when, left, planned, counts } of [
      ...few,
      { when: "that it is empty", left: 0, planned: true, counts: false },
      { when: "that nearly all of it is one link's", left: 0, planned: true, counts: true }
    ]) {
      it.effect(`is read by keys alone, also when its statistics say ${when}`, () =>
        Effect.gen(function* () {
          const store = yield* RetryStore
          const sql = yield* SqlClient.SqlClient
          // Nobody else counts the rows at some moment in between.
          yield* sql`ALTER TABLE holdfast_outbox SET (autovacuum_enabled = off)`
          yield* sql`DELETE FROM holdfast_outbox`
          yield* store.enqueue(messages(stranger(), left), 1)
          yield* pass(2_000, 10)
          yield* sql`VACUUM holdfast_outbox`
          // Statements are planned now, before a backlog that nobody has counted.
          if (planned) yield* pass(5_000, 10)
          else yield* sql`DISCARD PLANS`
          yield* store.enqueue(messages(stranger(), 20_000), 1)
          if (counts) yield* sql`ANALYZE holdfast_outbox`
          // What this session has read and not told of yet, which it does between transactions: others do when they like.
          const read = Effect.gen(function* () {
            const rows = yield* sql<{ readonly read: bigint }>`
            SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) AS read FROM pg_stat_xact_user_tables
            WHERE relname = 'holdfast_outbox'`
            return Number(rows[0]?.read)
          })
          const reads: Record<string, number> = {}
          const reading = Effect.fnUntraced(function* <A, E>(what: string, step: Effect.Effect<A, E>) {
            const before = yield* read
            yield* step
            reads[what] = (yield* read) - before
          })
          const work = Effect.gen(function* () {
            const peer = stranger()
            const link = yield* store.claim(peer)
            const sent = messages(peer, 1_000)
            const window = { messages: 100, bytes: 1e9 }
            const answers = sent.slice(0, 100).map((_, n) => answer(BigInt(n + 1), later(5, sent[0]?.id)))
            yield* reading("enqueue", store.enqueue(sent, 1))
            yield* reading(
              "cancel",
              Effect.forEach(sent.slice(900), ({ id }) => store.cancel(id))
            )
            yield* reading("take", Effect.repeat(number(store, link, window, 1), { times: 8 }))
            yield* reading("numbered", store.numbered(link, 800n, window))
            yield* reading("later", store.settle(link, { upTo: 100n, answers }, settling(1)))
            yield* reading("settle", store.settle(link, { upTo: 900n, answers: [] }, settling(1)))
            yield* reading("expire", store.expire(1, 10))
            yield* reading("debtors", store.debtors(10))
          })
          yield* sql.withTransaction(work)
          const total = Object.values(reads).reduce((sum, count) => sum + count, 0)
          assert.isAbove(total, 1_000)
          assert.isBelow(total, 10_000, JSON.stringify(reads))
        })
      )
    }
  })
}
