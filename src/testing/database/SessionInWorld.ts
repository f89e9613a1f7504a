/**
 * A session with a real database as a process of a world has it: the driver's session behind it does the work, as
 * external work of the world, and what is wrong with the simulated database goes wrong here.
 *
 * A statement is carried out when its time has come, at once and whole, whoever still waits for it. Whether it changes
 * something is judged by its text.
 */
import { Effect, Exit, Semaphore, Stream } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type * as PostgresConnection from "../../layers/PostgresConnection.ts"
import type { Process } from "../world/Process.ts"
import { connectionLost, type DatabaseFaults } from "./DatabaseFaults.ts"

const begins = /^\s*(?:BEGIN|START\s+TRANSACTION)\b/i
const commits = /^\s*(?:COMMIT|END)\b/i
const rollsBack = /^\s*(?:ROLLBACK|ABORT)\b(?!\s+TO\b)/i
const changes =
  /\b(?:INSERT\s+INTO|UPDATE\s+[\w".]+\s+(?:AS\s+)?(?:\w+\s+)?SET|DELETE\s+FROM|MERGE\s+INTO|CREATE|ALTER|DROP|TRUNCATE)\b/i

export class SessionInWorld implements PostgresConnection.Session {
  readonly process: Process
  /** One user at a time. */
  readonly lock = Semaphore.makeUnsafe(1)
  /** Whether the connection stands. */
  alive = true
  /** Whether a transaction is open, by what has been asked for so far. */
  open = false
  #wrote = false
  readonly #session: PostgresConnection.Session
  readonly #faults: DatabaseFaults
  readonly #onIdle: () => void

  /** `session` is the driver's. `onIdle` is told when the last statement of a transaction has been asked for. */
  constructor(process: Process, session: PostgresConnection.Session, faults: DatabaseFaults, onIdle: () => void) {
    this.process = process
    this.#session = session
    this.#faults = faults
    this.#onIdle = onIdle
  }

  readonly query: PostgresConnection.Session["query"] = (sql, params, prepare) =>
    this.#ask(sql, this.#session.query(sql, params, prepare), ({ command }) => command !== "ROLLBACK")

  readonly queryValues: PostgresConnection.Session["queryValues"] = (sql, params, prepare) =>
    this.#ask(sql, this.#session.queryValues(sql, params, prepare))

  /** All rows are read before the first is handed on. */
  readonly stream: PostgresConnection.Session["stream"] = (sql, params) =>
    Stream.unwrap(Effect.map(this.#ask(sql, Stream.runCollect(this.#session.stream(sql, params))), Stream.fromIterable))

  /** `kept` tells of a commit's answer whether it is one. */
  #ask<A>(sql: string, work: Effect.Effect<A, SqlError>, kept: (answer: A) => boolean = () => true) {
    this.process.world.trace.mixText(sql)
    if (rollsBack.test(sql)) return this.#rollBack(work)
    if (commits.test(sql)) return Effect.suspend(() => this.#last(work, this.#wrote, kept))
    const wrote = changes.test(sql)
    return Effect.andThen(
      Effect.suspend(() => Effect.sleep(this.#faults.untilStatement())),
      Effect.suspend(() => {
        const refused = this.#refusal()
        if (refused !== undefined) return Effect.fail(refused)
        if (begins.test(sql)) return this.#begin(work)
        if (!this.open) return Effect.uninterruptible(this.#last(work, wrote, kept))
        this.#wrote ||= wrote
        return this.#external(work)
      })
    )
  }

  #refusal(): SqlError | undefined {
    return this.alive ? this.#faults.refusal() : connectionLost()
  }

  #begin<A>(work: Effect.Effect<A, SqlError>): Effect.Effect<A, SqlError> {
    this.open = true
    this.#wrote = false
    return Effect.tapError(this.#external(work), () => Effect.sync(() => void (this.open = false)))
  }

  #rollBack<A>(work: Effect.Effect<A, SqlError>): Effect.Effect<A, SqlError> {
    return Effect.suspend(() => (this.alive ? this.#end(work) : Effect.fail(connectionLost())))
  }

  /** The statement that makes a transaction true: its COMMIT, or a lone one. */
  #last<A>(work: Effect.Effect<A, SqlError>, wrote: boolean, kept: (answer: A) => boolean): Effect.Effect<A, SqlError> {
    const carryOut = Effect.suspend(() => {
      if (!this.alive) return Effect.fail(connectionLost())
      const before = this.#faults.failure("before-commit")
      if (before !== undefined) {
        return this.open ? Effect.andThen(this.#end(this.#session.query("ROLLBACK")), Effect.fail(before)) : before
      }
      return this.#end(work, (answer) => {
        if (!wrote || !kept(answer)) return 0
        this.#faults.committed()
        return this.#faults.afterCommit()
      })
    })
    const done = Effect.tap(carryOut, () => this.#faults.failure("after-commit") ?? Effect.void)
    return wrote
      ? Effect.andThen(
          Effect.suspend(() => Effect.sleep(this.#faults.untilCommit())),
          done
        )
      : done
  }

  /** Carries out what no transaction is open after. */
  #end<A>(work: Effect.Effect<A, SqlError>, answered?: (answer: A) => number): Effect.Effect<A, SqlError> {
    return Effect.suspend(() => {
      this.open = false
      return this.#external(work, answered, this.#onIdle)
    })
  }

  /** `answered` is told of success at the moment of it, and says how many milliseconds later the process hears of it. */
  #external<A>(
    work: Effect.Effect<A, SqlError>,
    answered?: (answer: A) => number,
    asked?: () => void
  ): Effect.Effect<A, SqlError> {
    const { world } = this.process
    const outside = Effect.callback<A, SqlError>((resume) => {
      const hear = (exit: Exit.Exit<A, SqlError>) => () =>
        this.process.enter(() => resume(this.alive ? exit : Effect.fail(connectionLost())))
      world.external(
        () => Effect.runPromiseExit(work),
        0,
        (exit) => {
          const millis = Exit.isSuccess(exit) && answered !== undefined ? answered(exit.value) : 0
          if (millis === 0) hear(exit)()
          else world.at(world.now + millis * 1_000, hear(exit))
        }
      )
      asked?.()
    })
    return Effect.uninterruptible(outside)
  }
}
