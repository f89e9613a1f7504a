/**
 * Who may run on a database: the node it belongs to, in one process.
 *
 * A database belongs to the first node that started on it, for its messages are owed in that node's name. On
 * PostgreSQL an advisory lock of the session keeps a second process of the node away; should its connection be lost
 * while the node runs, it is taken again, and the epochs of the links keep whatever happens meanwhile safe.
 */
import { Deferred, Effect, Layer, Schedule, Schema } from "effect"
import { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import { NodeKey, short } from "../protocol/NodeKey.ts"
import { Identity } from "../services/link/Identity.ts"

/** Another node has started on this database before. */
export class DatabaseOfAnother extends Schema.TaggedError<DatabaseOfAnother>()("DatabaseOfAnother", {
  owner: NodeKey,
  node: NodeKey
}) {
  override get message(): string {
    return (
      `This database belongs to node ${short(this.owner)}, and this is node ${short(this.node)}. ` +
      `Start with the data folder of ${short(this.owner)}, or give this node an empty database.`
    )
  }
}

/** Another process runs this node on this database. */
export class DatabaseTaken extends Schema.TaggedError<DatabaseTaken>()("DatabaseTaken", { node: NodeKey }) {
  override get message(): string {
    return (
      `Another process runs node ${short(this.node)} on this database. ` +
      `Stop it; a node must not run twice, and its identity must not be copied.`
    )
  }
}

const own = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const { key } = yield* Identity
  yield* sql`INSERT INTO holdfast_owner (node) VALUES (${key}) ON CONFLICT DO NOTHING`
  const rows = yield* sql<{ readonly node: NodeKey }>`SELECT node FROM holdfast_owner`
  const owner = rows[0]?.node
  if (owner !== undefined && owner !== key) return yield* new DatabaseOfAnother({ owner, node: key })
})

/** The lock's name: the first 64 bits of the node's key. */
const lockName = (key: NodeKey): string => BigInt.asIntN(64, BigInt(`0x${key.slice(0, 16)}`)).toString()

/** How often the lock's connection is looked at. */
const watch = "5 seconds"
/** The server may take a moment to notice that a killed process is gone. */
const patience = Schedule.spaced("200 millis").pipe(Schedule.upTo({ duration: "3 seconds" }))
const backOff = Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("10 seconds")]).pipe(
  Schedule.jittered
)

const lock = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const { key } = yield* Identity
  const started = yield* Deferred.make<void, DatabaseTaken | SqlError>()

  /** A session with the lock, which is given back before the session returns to the pool. */
  const take = Effect.gen(function* () {
    const session = yield* sql.reserve
    const rows = yield* session.execute("SELECT pg_try_advisory_lock($1::bigint) AS taken", [lockName(key)], undefined)
    if (rows[0]?.["taken"] !== true) return yield* new DatabaseTaken({ node: key })
    yield* Effect.addFinalizer(() =>
      Effect.ignore(session.execute("SELECT pg_advisory_unlock($1::bigint)", [lockName(key)], undefined))
    )
    return session
  })

  /** Takes the lock and keeps it until its connection fails. */
  const keep = (taken: Effect.Effect<unknown>) =>
    Effect.scoped(
      Effect.gen(function* () {
        const session = yield* take
        yield* taken
        yield* Effect.repeat(session.execute("SELECT 1", [], undefined), Schedule.spaced(watch))
      })
    ).pipe(Effect.andThen(Effect.never))

  const lost = (error: DatabaseTaken | SqlError) =>
    Effect.logWarning("The lock on the database is lost, taking it again").pipe(
      Effect.annotateLogs({ reason: error.message })
    )
  const again = Effect.tapError(keep(Effect.logInfo("The lock on the database is held again")), lost)

  yield* keep(Deferred.succeed(started, undefined)).pipe(
    Effect.retry({ schedule: patience, while: (error) => error._tag === "DatabaseTaken" }),
    Effect.catch((error) =>
      Effect.gen(function* () {
        // Not yet started: the start fails, and there is nothing to keep.
        if (yield* Deferred.fail(started, error)) return
        yield* lost(error)
        return yield* Effect.retry(again, backOff)
      })
    ),
    Effect.tapCause((cause) => Effect.logError("The keeper of the lock on the database failed", cause)),
    Effect.forkScoped({ startImmediately: true })
  )
  yield* Deferred.await(started)
})

/** Refuses a database that belongs to another node. For the embedded database, whose folder is locked already. */
export const owner = Layer.effectDiscard(own)

/** `owner`, and keeps other processes of this node away while the scope is open. For PostgreSQL. */
export const exclusive = Layer.effectDiscard(Effect.andThen(own, lock))
