/**
 * A program that migrates the database of its first argument, for tests of several processes that start at once.
 *
 * It sends `ready`, waits for a message, migrates, sends the names of what it ran, and ends. When the message is
 * `and stop inside`, it sends `inside` in the middle of the second migration and stays there.
 */
import { Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { migrate } from "../../src/layers/Migrations.ts"
import * as Postgres from "../../src/layers/Postgres.ts"

/** Slow enough for several processes to meet. */
const first = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE first (id bigint)`
  yield* sql`SELECT pg_sleep(0.2)`
  yield* sql`INSERT INTO first VALUES (1)`
})

const second = (stop: boolean) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`INSERT INTO first VALUES (2)`
    if (!stop) return
    process.send?.("inside")
    return yield* Effect.never
  })

const run = async (url: string, stop: boolean): Promise<void> => {
  const names = await migrate({ "0001_create_first": first, "0002_fill_first": second(stop) }).pipe(
    Effect.provide(Postgres.layer({ url: Redacted.make(url), maxConnections: 2 })),
    Effect.runPromise
  )
  process.send?.(names, () => process.disconnect())
}

process.once("message", (message) => void run(process.argv[2] ?? "", message === "and stop inside"))
process.send?.("ready")
