/**
 * The yardstick: an outbox table and a loop over it, as anybody writes it, on one PostgreSQL database. The consumer
 * takes rows with FOR UPDATE SKIP LOCKED, makes their effects with one insert, deletes them and commits.
 */
import { Effect, ManagedRuntime, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import * as Postgres from "../../src/layers/Postgres.ts"
import * as End from "../End.ts"
import { Arrivals } from "./Arrivals.ts"
import * as Work from "./Work.ts"

const arrivals = new Arrivals()
const body = Work.padding(Work.bodyBytes)
/** How long the consumer waits before it looks again at an empty outbox. */
const poll = "5 millis"

const makeRuntime = (database: string) =>
  ManagedRuntime.make(Postgres.layer({ url: Redacted.make(database), maxConnections: 24 }))
let opened: ReturnType<typeof makeRuntime> | undefined
const run = <A, E>(effect: Effect.Effect<A, E, SqlClient.SqlClient>): Promise<A> => {
  if (opened === undefined) throw new Error("there is no database")
  return opened.runPromise(effect)
}

const range = (count: number, from: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => from + i)

const insert = (sql: SqlClient.SqlClient, numbers: ReadonlyArray<number>, sentAt: number) => sql`
  INSERT INTO naive_outbox (n, sent_at, body)
  SELECT n, ${sentAt}, ${body} FROM unnest(${numbers}::integer[]) AS n`

interface Row {
  readonly id: string
  readonly n: number
  readonly sent_at: number
  readonly body: string
}

/** Takes up to `most` rows in one transaction; how many there were. */
const round = Effect.fnUntraced(function* (most: number) {
  const sql = yield* SqlClient.SqlClient
  const taken = yield* sql.withTransaction(
    Effect.gen(function* () {
      const rows = yield* sql<Row>`
        SELECT id::text, n, sent_at, body FROM naive_outbox ORDER BY id LIMIT ${most} FOR UPDATE SKIP LOCKED`
      if (rows.length === 0) return rows
      yield* sql.unsafe(Work.insertEffects, [rows.map(({ n }) => n), rows.map(({ body }) => body)])
      yield* sql`DELETE FROM naive_outbox WHERE id = ANY(${rows.map(({ id }) => id)}::bigint[])`
      return rows
    })
  )
  for (const row of taken) arrivals.committed(row.sent_at)
  return taken.length
})

const functions = {
  open: async ({ database }: { readonly database: string }): Promise<void> => {
    opened = makeRuntime(database)
    await run(SqlClient.SqlClient)
  },
  prepare: (): Promise<void> =>
    run(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql.unsafe(Work.createEffects)
        yield* sql`
          CREATE TABLE naive_outbox (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            n integer NOT NULL,
            sent_at double precision NOT NULL,
            body text NOT NULL
          )`
      })
    ),
  /** Consumes for as long as the process lives. */
  consume: ({ most, workers }: { readonly most: number; readonly workers: number }): void => {
    const worker = Effect.forever(
      Effect.flatMap(round(most), (taken) => (taken === 0 ? Effect.sleep(poll) : Effect.void))
    )
    for (let i = 0; i < workers; i++) void run(worker).catch(() => undefined)
  },
  send: async ({ count, from, how }: Work.Job): Promise<number> => {
    const at = End.now()
    const size = how._tag === "Batch" ? how.size : 1
    const concurrency = how._tag === "Grouped" ? how.senders : how.inFlight
    const batches = range(count / size, 0).map((i) => range(size, from + i * size))
    await run(
      SqlClient.SqlClient.use((sql) =>
        Effect.forEach(batches, (batch) => insert(sql, batch, -1), { concurrency, discard: true })
      )
    )
    return at
  },
  pace: ({ count, from, perSecond }: Work.Pace): Promise<void> =>
    run(
      SqlClient.SqlClient.use((sql) =>
        Effect.forEach(
          range(count, from),
          (n) =>
            Effect.delay(
              Effect.suspend(() => insert(sql, [n], End.now())),
              ((n - from) * 1_000) / perSecond
            ),
          { concurrency: "unbounded", discard: true }
        )
      )
    ),
  expect: async (count: number): Promise<void> => {
    await run(SqlClient.SqlClient.use((sql) => sql.unsafe(Work.emptyEffects)))
    arrivals.expect(count)
  },
  finished: () => arrivals.finished,
  tally: async (): Promise<Work.Tally> => {
    const rows = await run(SqlClient.SqlClient.use((sql) => sql.unsafe<Work.Tally>(Work.tallyEffects)))
    return rows[0]!
  },
  delays: () => arrivals.delays
}
export type Functions = typeof functions

End.serve(functions, () => opened?.dispose())
