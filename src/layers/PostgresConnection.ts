/**
 * One session with PostgreSQL as a connection of the SQL client.
 *
 * A transaction costs no more round trips than it must: BEGIN waits for the first statement, and what is gathered while
 * it runs (`last`) is written in one statement right before COMMIT. A transaction of that statement alone is the
 * statement alone, which PostgreSQL carries out as a transaction of its own.
 */
import type { PgConnection } from "@effect/sql-pg"
import { Effect, Stream } from "effect"
import type { SqlConnection } from "effect/sql"
import { SqlError, UnknownError } from "effect/sql/SqlError"
import type { Gathered, Gathering } from "./Gathering.ts"
import * as SqlFailure from "./SqlFailure.ts"

/** What the client asks of a session. */
export type Session = Pick<PgConnection.PgConnection, "query" | "queryValues" | "stream"> &
  Partial<Pick<PgConnection.PgConnection, "processId">>

/** How the SQL client ends what it cannot commit. */
const cleanup = /^(?:ROLLBACK|ROLLBACK TO SAVEPOINT \w+|RELEASE SAVEPOINT \w+)$/

const setSavepoint = /^SAVEPOINT (\w+)$/
const rollbackTo = /^ROLLBACK TO SAVEPOINT (\w+)$/
const release = /^RELEASE SAVEPOINT (\w+)$/
/** The SQLSTATE of whatever is asked for after a statement of the transaction has failed. */
const failedTransaction = "25P02"

const rolledBack = new SqlError({
  reason: new UnknownError({
    cause: new Error("COMMIT was answered with ROLLBACK"),
    message: "The transaction had failed and was rolled back at its COMMIT",
    operation: "commit"
  })
})

const nothing: Effect.Effect<ReadonlyArray<never>, SqlError> = Effect.succeed([])

export class Connection<S extends Session = Session> implements SqlConnection.Connection, Gathering {
  readonly session: S
  gathered: Gathered | undefined
  /** Set once the server has been asked to commit; with what it was asked to write alone, without COMMIT. */
  committing: { readonly alone: Gathered | undefined } | undefined
  /** Put back what was gathered to where it was at each savepoint. */
  readonly #marks = new Map<string, () => void>()
  #transaction: "none" | "asked for" | "open" = "none"

  constructor(session: S) {
    this.session = session
  }

  execute(sql: string, params: ReadonlyArray<unknown>): Effect.Effect<ReadonlyArray<unknown>, SqlError> {
    if (params.length > 0) return this.#inside(this.#rows(sql, params, true))
    if (sql === "BEGIN") {
      this.#transaction = "asked for"
      return nothing
    }
    if (sql === "ROLLBACK") {
      const begun = this.#transaction !== "asked for"
      this.#forget()
      return begun ? this.#clean(sql) : nothing
    }
    this.#mark(sql)
    return cleanup.test(sql) ? this.#clean(sql) : this.#inside(this.#rows(sql, params, true))
  }
  executeUnprepared(sql: string, params: ReadonlyArray<unknown>) {
    return this.#inside(this.#rows(sql, params, false))
  }
  executeRaw(sql: string, params: ReadonlyArray<unknown>) {
    return this.#inside(Effect.mapError(this.session.query(sql, params), SqlFailure.classify))
  }
  executeValues(sql: string, params: ReadonlyArray<unknown>) {
    return this.#inside(Effect.mapError(this.session.queryValues(sql, params), SqlFailure.classify))
  }
  executeValuesUnprepared(sql: string, params: ReadonlyArray<unknown>) {
    return this.#inside(Effect.mapError(this.session.queryValues(sql, params, false), SqlFailure.classify))
  }
  executeStream(sql: string, params: ReadonlyArray<unknown>) {
    const rows = Stream.mapError(this.session.stream(sql, params), SqlFailure.classify)
    return Stream.unwrap(this.#inside(Effect.succeed(rows)))
  }

  /** Writes what was gathered, and commits. */
  get commit(): Effect.Effect<void, SqlError> {
    return Effect.suspend(() => {
      const { gathered } = this
      const begun = this.#transaction !== "asked for"
      this.#forget()
      const write = gathered?.write ?? Effect.void
      if (!begun) {
        this.committing = { alone: gathered }
        return write
      }
      return Effect.andThen(
        Effect.onError(write, () => Effect.ignore(this.#clean("ROLLBACK"))),
        this.#commit
      )
    })
  }

  /** A COMMIT of a transaction that has already failed is answered with ROLLBACK, which is not a commit. */
  get #commit(): Effect.Effect<void, SqlError> {
    return Effect.suspend(() => {
      this.committing = { alone: undefined }
      return Effect.flatMap(Effect.mapError(this.session.query("COMMIT"), SqlFailure.classify), (result) =>
        result.command === "ROLLBACK" ? Effect.fail(rolledBack) : Effect.void
      )
    })
  }

  #rows(sql: string, params: ReadonlyArray<unknown>, prepare: boolean) {
    return Effect.mapBoth(this.session.query(sql, params, prepare), {
      onFailure: SqlFailure.classify,
      onSuccess: (result) => result.rows
    })
  }

  /** Begins the transaction that was asked for, if any, before `work`. */
  #inside<A>(work: Effect.Effect<A, SqlError>): Effect.Effect<A, SqlError> {
    return Effect.suspend(() => {
      if (this.#transaction !== "asked for") return work
      this.#transaction = "open"
      return Effect.andThen(this.#rows("BEGIN", [], true), work)
    })
  }

  /**
   * Cleaning up on a session that is gone succeeds: the server has rolled back. The SQL client would turn that failure
   * into a defect, and hide the retryable error that led to it.
   *
   * A savepoint that cannot be released because somebody went on after a failed statement is rolled back to: what is
   * inside of it fails, and what is around it can go on.
   */
  #clean(sql: string): Effect.Effect<ReadonlyArray<never>, SqlError> {
    return Effect.catch(
      Effect.flatMap(this.#rows(sql, [], true), () => nothing),
      (error): Effect.Effect<ReadonlyArray<never>, SqlError> => {
        if (SqlFailure.lostSession(error)) return nothing
        const savepoint = release.exec(sql)?.[1]
        if (savepoint === undefined || SqlFailure.code(error) !== failedTransaction) return Effect.fail(error)
        this.#marks.get(savepoint)?.()
        return Effect.andThen(this.#clean(`ROLLBACK TO SAVEPOINT ${savepoint}`), Effect.fail(error))
      }
    )
  }

  /** What is gathered after a savepoint goes with it. */
  #mark(sql: string): void {
    const set = setSavepoint.exec(sql)?.[1]
    if (set !== undefined) this.#marks.set(set, this.gathered?.mark() ?? (() => void (this.gathered = undefined)))
    const back = rollbackTo.exec(sql)?.[1]
    if (back !== undefined) this.#marks.get(back)?.()
  }

  #forget(): void {
    this.#transaction = "none"
    this.gathered = undefined
    this.#marks.clear()
  }
}
