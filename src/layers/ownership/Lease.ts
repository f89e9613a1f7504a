/**
 * The statements of ownership on PostgreSQL: the lock, the lease, and the take-over.
 *
 * The lock is the session's, and free the moment the server sees that session end. The lease is for an owner whose
 * session is alive and does nothing, and is judged by `clock_timestamp()` alone: `now()` is when a transaction began,
 * and the clocks of processes differ. All of it runs on the one session that wants the lock, has it or waits for it.
 */
import { Effect, Schema } from "effect"
import type { SqlClient, SqlConnection } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import { UuidText } from "../../protocol/Cbor.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { reader, single } from "../SqlRow.ts"
import * as SqlFailure from "../SqlFailure.ts"

/** Who wants to own which node, and for how long a lease lasts, in milliseconds. */
export interface Claim {
  readonly node: NodeKey
  readonly agent: string
  readonly lease: number
}

/** Who owned the node before. */
export interface Former {
  readonly agent: string
  /** It has ended its term itself. */
  readonly gaveUp: boolean
}

export interface Taken {
  readonly term: bigint
  readonly links: number
  readonly former: Former | undefined
}

const readPid = single(Schema.Struct({ pid: Schema.Int }))
const readTaken = single(Schema.Struct({ taken: Schema.Boolean }))
const readLeft = reader(Schema.Struct({ left: Schema.BigInt }))
const readNode = single(Schema.Struct({ incarnation: Schema.BigInt }))
const readFormer = reader(Schema.Struct({ agent: UuidText, given_up: Schema.Boolean }))
const readRaised = single(Schema.Struct({ links: Schema.BigInt }))

/** A wait for a lock has lasted as long as it may. */
const lockTimeout = "55P03"

/** The lock's name: the first 64 bits of the node's key. */
const lockName = (node: NodeKey): bigint => BigInt.asIntN(64, BigInt(`0x${node.slice(0, 16)}`))

export const make = (sql: SqlClient.SqlClient, { agent, lease, node }: Claim) => {
  const name = lockName(node)
  const until = sql.literal(`clock_timestamp() + ${lease} * interval '1 millisecond'`)

  /** No wait of this session is ended by limits that are meant for others, but each by `millis`. */
  const patience = (millis: number) => sql`
    SELECT set_config(name, CASE name WHEN 'lock_timeout' THEN ${String(Math.ceil(millis))} ELSE '0' END, false)
    FROM pg_settings WHERE name IN ('lock_timeout', 'statement_timeout', 'idle_session_timeout')`

  const tryLock = Effect.map(
    sql`SELECT pg_try_advisory_lock(${name}::bigint) AS taken`,
    (rows) => readTaken(rows).taken
  )

  /**
   * Waits for the lock as long as `patience` says; false if it is still somebody else's. It must not wait for ever: a
   * statement that runs keeps the database from cleaning up behind everybody.
   */
  const lock = Effect.as(sql`SELECT pg_advisory_lock(${name}::bigint)`, true).pipe(
    Effect.catchIf(
      (error) => SqlFailure.code(error) === lockTimeout,
      () => Effect.succeed(false)
    )
  )

  /** For how many milliseconds the lease still runs, 0 or less if it is over; `undefined` if there has been none. */
  const left = Effect.map(
    sql`
      SELECT ceil(extract(epoch FROM lease_until - clock_timestamp()) * 1000)::bigint AS left FROM holdfast_lease`,
    (rows) => {
      const [row] = readLeft(rows)
      return row === undefined ? undefined : Number(row.left)
    }
  )

  const holders = sql`
    SELECT l.pid, a.state_change FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND l.classid = ((${name}::bigint >> 32) & 4294967295)::oid AND l.objid = (${name}::bigint & 4294967295)::oid`

  /** Ends the session that has the lock and has done nothing for so long: its process is frozen, or cut off. */
  const evict = (idle: number) => sql`
    SELECT pg_terminate_backend(holder.pid) FROM (${holders}) AS holder
    WHERE holder.state_change < clock_timestamp() - ${idle}::bigint * interval '1 millisecond'`

  /** Ends a former session of this process, if the server still counts it alive and gives it the lock. */
  const endFormer = (pid: number) => sql`
    SELECT pg_terminate_backend(holder.pid) FROM (${holders}) AS holder WHERE holder.pid = ${pid}`

  /** Ends whoever holds a row that the session with this number waits for: what a frozen owner left open. */
  const endBlockers = (pid: number) => sql`
    SELECT pg_terminate_backend(blocker) FROM unnest(pg_blocking_pids(${pid}::integer)) AS blocker`

  /**
   * Begins a term. First the incarnation, whose row every claim of a link looks at: no link is claimed any more for an
   * older one. Then every link, in a statement that sees those that were claimed until then.
   */
  const takeOver = Effect.fnUntraced(function* (databaseId: string) {
    const { incarnation: term } = readNode(
      yield* sql`
        INSERT INTO holdfast_node (database_id, incarnation) VALUES (${databaseId}::uuid, 1)
        ON CONFLICT (singleton) DO UPDATE SET incarnation = holdfast_node.incarnation + 1
        RETURNING incarnation`
    )
    const [former] = readFormer(yield* sql`SELECT agent, given_up FROM holdfast_lease`)
    const { links } = readRaised(
      yield* sql`
        WITH raised AS (
          UPDATE holdfast_links SET epoch = epoch + 1 RETURNING id, epoch
        ), arrivals AS (
          UPDATE holdfast_arrivals a SET epoch = raised.epoch FROM raised WHERE a.link = raised.id
        )
        SELECT count(*) AS links FROM raised`
    )
    yield* sql`
      INSERT INTO holdfast_lease (agent, term, lease_until, given_up) VALUES (${agent}::uuid, ${term}, ${until}, false)
      ON CONFLICT (only_row) DO UPDATE
      SET agent = excluded.agent, term = excluded.term, lease_until = ${until}, given_up = false`
    const taken: Taken = {
      term,
      links: Number(links),
      former: former === undefined ? undefined : { agent: former.agent, gaveUp: former.given_up }
    }
    return taken
  })

  /** False if the term is over. */
  const renew = (term: bigint) =>
    Effect.map(
      sql`
        UPDATE holdfast_lease SET lease_until = ${until}
        WHERE agent = ${agent}::uuid AND term = ${term} AND NOT given_up RETURNING term`,
      (rows) => rows.length > 0
    )

  /** The next owner need not take anything from this one. */
  const giveUp = (term: bigint) => sql`
    UPDATE holdfast_lease SET given_up = true, lease_until = clock_timestamp()
    WHERE agent = ${agent}::uuid AND term = ${term}`

  const unlock = Effect.andThen(sql`SELECT pg_advisory_unlock_all()`, sql`RESET ALL`)

  return {
    endBlockers,
    endFormer,
    evict,
    giveUp,
    left,
    lock,
    patience,
    pid: Effect.map(sql`SELECT pg_backend_pid() AS pid`, (rows) => readPid(rows).pid),
    renew,
    takeOver,
    tryLock,
    unlock
  }
}

export type Lease = ReturnType<typeof make>

/** Statements on one session of the client. */
export const on =
  (sql: SqlClient.SqlClient, session: SqlConnection.Connection) =>
  <A, E, R>(statements: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.provideService(statements, sql.transactionService, [session, 0])

/** A transaction on one session of the client, each statement of which sees what was committed before it. */
export const transactionOn =
  (sql: SqlClient.SqlClient, session: SqlConnection.Connection) =>
  <A, E, R>(statements: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R> => {
    const run = (statement: string) => session.executeUnprepared(statement, [], undefined)
    return Effect.acquireUseRelease(
      run("BEGIN ISOLATION LEVEL READ COMMITTED"),
      () => Effect.tap(on(sql, session)(statements), run("COMMIT")),
      (_, exit) => (exit._tag === "Success" ? Effect.void : Effect.ignore(run("ROLLBACK")))
    )
  }
