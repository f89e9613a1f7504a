/**
 * A COMMIT whose answer was lost: the server is asked, on another connection, what became of the transaction.
 *
 * The transaction is known by its id, which a statement of it brings along (`note`); what sends a message does. So a
 * sender learns the truth: the effect succeeds, or fails as retryable because everything was rolled back. Only where
 * no id is known, or the server cannot say within `patience`, does it fail with `CommitUnknown`.
 *
 * The embedded database needs none of this: its answer comes within the call that asks, and no connection can be lost.
 */
import { Clock, Context, Duration, Effect } from "effect"
import type { SqlClient, SqlConnection } from "effect/sql"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import { commitUnknown } from "../services/Transactions.ts"
import { monotonic } from "../services/Monotonic.ts"
import type { Ask, Gathered } from "./Gathering.ts"
import * as SqlFailure from "./SqlFailure.ts"

/** How long the server is asked, 10 seconds by default; the transaction's caller waits as long. */
export const Patience = Context.Reference<Duration.Input>("holdfast/layers/LostCommit/Patience", {
  defaultValue: () => "10 seconds"
})

/** The first and the longest pause between two questions, in milliseconds. */
const pause = { first: 20, longest: 1_000 }

/** The ids of open transactions, as far as their statements have told. */
const ids = new WeakMap<SqlConnection.Connection, string>()

/** Says which id the open transaction has, in the digits of `pg_current_xact_id()`. Does nothing outside of one. */
export const note = (sql: SqlClient.SqlClient, id: string): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const transaction = Context.getOrUndefined(fiber.context, sql.transactionService)
    if (transaction !== undefined) ids.set(transaction[0], id)
    return Effect.void
  })

/** What is asked of another session. */
interface Asked {
  readonly query: Ask
}

/** The connection whose COMMIT was not answered. */
export interface Lost {
  readonly connection: SqlConnection.Connection
  /** The server's process behind it, which may still be at work. */
  readonly process: number | undefined
  readonly error: SqlError
  /** What it was asked to write in one statement, which is its own transaction and has no id that anybody knows. */
  readonly alone: Gathered | undefined
}

const rolledBack = ({ error }: Lost) =>
  Effect.fail(
    new SqlError({
      reason: new ConnectionError({
        cause: error.reason.cause,
        message: "The connection was lost during COMMIT and the transaction was rolled back: try again",
        operation: "commit"
      })
    })
  )

const unknown = ({ error }: Lost, id: string | undefined, problem: string) =>
  Effect.fail(commitUnknown(problem, id, error.reason.cause))

type Use = <A>(f: (session: Asked) => Effect.Effect<A, SqlError>) => Effect.Effect<A, SqlError>

/**
 * Looks for what a statement was to write, once its server process has come to an end. What is not there was not
 * written, or somebody has sent and finished it meanwhile: nobody can tell.
 */
const find = Effect.fnUntraced(function* (use: Use, lost: Lost, alone: Gathered) {
  const clock = yield* Clock.Clock
  const until = monotonic(clock) + Duration.toMillis(Duration.fromInputUnsafe(yield* Patience))
  const isThere = use((session) => alone.isThere(session.query))
  const end = use((session) =>
    session.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1::integer", [lost.process ?? 0])
  )
  for (let wait = pause.first; ; wait = Math.min(2 * wait, pause.longest)) {
    const left = until - monotonic(clock)
    if (left <= 0) return yield* unknown(lost, undefined, "the database did not answer")
    const look = Effect.gen(function* () {
      if (yield* isThere) return "there"
      return (yield* end).rows.length === 0 && !(yield* isThere) ? "gone" : "running"
    })
    const answer = yield* look.pipe(Effect.interruptible, Effect.timeoutOption(left), Effect.result)
    if (answer._tag === "Success" && answer.success._tag === "Some") {
      if (answer.success.value === "there") return
      if (answer.success.value === "gone") {
        return yield* unknown(lost, undefined, "its messages are not owed: it was rolled back, or they have arrived")
      }
    } else if (answer._tag === "Failure" && !SqlFailure.classify(answer.failure).isRetryable) {
      return yield* unknown(lost, undefined, `the server says: ${answer.failure.message}`)
    }
    yield* Effect.sleep(Math.min(wait, Math.max(0, until - monotonic(clock))))
  }
})

/**
 * Succeeds if the transaction was committed and fails if it was not, or if nobody can say. A server process that has
 * not noticed the loss is ended: its transaction would stay open, with all its locks.
 */
export const resolve = Effect.fnUntraced(function* (use: Use, lost: Lost): Effect.fn.Return<void, SqlError> {
  if (lost.alone !== undefined) return yield* find(use, lost, lost.alone)
  const id = ids.get(lost.connection)
  if (id === undefined) return yield* unknown(lost, id, "it sent no message, so its id is not known")
  const clock = yield* Clock.Clock
  const patience = Duration.toMillis(Duration.fromInputUnsafe(yield* Patience))
  const until = monotonic(clock) + patience

  const ask = use((session) =>
    Effect.map(session.query("SELECT pg_xact_status($1::text::xid8) AS status", [id]), ({ rows: [row] }) =>
      row !== undefined && "status" in row ? row.status : undefined
    )
  )
  const end = use((session) =>
    session.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE pid = $1::integer AND backend_xid = $2::text::xid8::xid`,
      [lost.process ?? 0, id]
    )
  )
  let problem = "the database did not answer"
  for (let wait = pause.first; ; wait = Math.min(2 * wait, pause.longest)) {
    const left = until - monotonic(clock)
    if (left <= 0) return yield* unknown(lost, id, `${problem} for ${Duration.format(Duration.millis(patience))}`)
    // The commit is not to be interrupted, but a question may: by its time.
    const answer = yield* ask.pipe(Effect.interruptible, Effect.timeoutOption(left), Effect.result)
    if (answer._tag === "Success" && answer.success._tag === "Some") {
      const status = answer.success.value
      if (status === "committed") return
      if (status === "aborted") return yield* rolledBack(lost)
      if (status !== "in progress") return yield* unknown(lost, id, "the server has forgotten it")
      problem = "the server's process was still at it"
      if (wait > pause.first) yield* end.pipe(Effect.interruptible, Effect.timeoutOption(left), Effect.ignore)
    } else if (answer._tag === "Failure" && !SqlFailure.classify(answer.failure).isRetryable) {
      return yield* unknown(lost, id, `the server says: ${answer.failure.message}`)
    }
    yield* Effect.sleep(Math.min(wait, Math.max(0, until - monotonic(clock))))
  }
})
