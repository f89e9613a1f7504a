/**
 * A database in memory: what `TransactionsMemory` and the memory stores share.
 *
 * One transaction runs at a time, in the order of asking; one inside another is a savepoint. Every change registers
 * its inverse, so a failure or an interruption takes back exactly what was written. The rows live as long as the
 * service: handing it to a second build of the stores plays a restart of the process, and `crash` drops what was open.
 */
import { Context, Effect, Exit, Layer, Result, Semaphore } from "effect"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import { UndoLog } from "./UndoLog.ts"

export { type Table, UndoLog } from "./UndoLog.ts"

/** What stands between a database and those who use it: how simulations make it slow, or fail. Nothing by default. */
export interface Hooks {
  /** Before a transaction begins, a lone statement included, and before every statement inside of one. */
  readonly statement: Effect.Effect<void, SqlError>
  /**
   * In place of the commit of an outermost transaction, and not to be interrupted. `commit` is its very moment: a
   * failure before it rolls back, one after it comes too late to. `wrote` says whether there is anything to commit.
   */
  readonly commit: (commit: Effect.Effect<void, SqlError>, wrote: boolean) => Effect.Effect<void, SqlError>
}

/** The connections of one process life; `crash` ends it. */
interface Session {
  readonly semaphore: Semaphore.Semaphore
  alive: boolean
}

/** An open transaction or savepoint. */
interface Level {
  readonly log: UndoLog
  readonly session: Session
  readonly parent: Level | undefined
  readonly children: Semaphore.Semaphore
  readonly callbacks: Array<Effect.Effect<void>>
  open: boolean
  committed: boolean
}

/** The open levels of the fiber, innermost last; those of different databases may be nested. */
const Levels = Context.Reference<ReadonlyArray<Level>>("holdfast/layers/MemoryDatabase/Levels", {
  defaultValue: () => []
})

const lost = new SqlError({
  reason: new ConnectionError({ cause: new Error("crashed"), message: "The database in memory was restarted" })
})

const over = Effect.die(new Error("the transaction has already ended"))

const runCallback = (effect: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.ignoreCause(effect, { log: "Error", message: "A callback after a commit failed" })

const unsafeMake = (hooks?: Hooks) => {
  const log = new UndoLog()
  const connect = (): Session => ({ semaphore: Semaphore.makeUnsafe(1), alive: true })
  let session = connect()

  const levelOf = (levels: ReadonlyArray<Level>): Level | undefined => levels.findLast((level) => level.log === log)
  const isOpen = (level: Level | undefined): boolean => level === undefined || (level.open && isOpen(level.parent))

  /** Ends an outermost transaction in which everything went well. */
  const commit = (level: Level): Effect.Effect<void, SqlError> => {
    let made = false
    const moment = Effect.suspend(() => {
      if (!level.session.alive) return Effect.fail(lost)
      made = true
      log.clear()
      return Effect.void
    })
    const all = hooks === undefined ? moment : hooks.commit(moment, log.mark > 0)
    return Effect.onExit(all, (exit) => {
      if (!level.session.alive) return Exit.isSuccess(exit) ? Effect.fail(lost) : Effect.void
      if (!made) log.rollback(0)
      level.committed = made && Exit.isSuccess(exit)
      return Effect.void
    })
  }

  /** Runs `effect` at `level`; the caller holds the right to do so. */
  const bracket = <A, E, R>(level: Level, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R> =>
    Effect.uninterruptibleMask((restore) => {
      if (!level.session.alive) return Effect.fail(lost)
      const mark = log.mark
      const inside = Effect.updateService(restore(effect), Levels, (levels) => [...levels, level])
      const alive = Effect.suspend((): Effect.Effect<A, E | SqlError, R> =>
        level.session.alive ? inside : Effect.fail(lost)
      )
      const begun: Effect.Effect<A, E | SqlError, R> =
        hooks === undefined ? inside : Effect.andThen(restore(hooks.statement), alive)
      return Effect.onExit(begun, (exit) => {
        level.open = false
        // What has failed already is not told a second time.
        if (!level.session.alive) return Exit.isSuccess(exit) ? Effect.fail(lost) : Effect.void
        if (Exit.isFailure(exit)) log.rollback(mark)
        else if (level.parent === undefined) return commit(level)
        else level.committed = true
        return Effect.void
      })
    })

  const within = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R> =>
    Effect.flatMap(Levels, (levels) => {
      const parent = levelOf(levels)
      if (!isOpen(parent)) return over
      const level: Level = {
        log,
        session: parent?.session ?? session,
        parent,
        children: Semaphore.makeUnsafe(1),
        callbacks: [],
        open: true,
        committed: false
      }
      const turn = parent?.children ?? level.session.semaphore
      return Effect.onExit(turn.withPermit(bracket(level, effect)), () => {
        if (!level.committed || level.callbacks.length === 0) return Effect.void
        if (parent === undefined) return Effect.forEach(level.callbacks, runCallback, { discard: true })
        parent.callbacks.push(...level.callbacks)
        return Effect.void
      })
    })

  const afterCommit = (effect: Effect.Effect<void>): Effect.Effect<void> =>
    Effect.flatMap(Levels, (levels) => {
      const level = levelOf(levels)
      if (level === undefined) return runCallback(effect)
      if (!isOpen(level)) return over
      return Effect.map(Effect.context<never>(), (context) => {
        const outside = Context.add(
          context,
          Levels,
          levels.filter((it) => it.log !== log)
        )
        level.callbacks.push(Effect.provideContext(effect, outside))
      })
    })

  const statement = <A, E>(body: () => Result.Result<A, E>): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      const mark = log.mark
      try {
        const result = body()
        if (Result.isFailure(result)) log.rollback(mark)
        return Effect.fromResult(result)
      } catch (defect) {
        log.rollback(mark)
        return Effect.die(defect)
      }
    })

  const inside = <A, E>(level: Level, body: () => Result.Result<A, E>): Effect.Effect<A, E | SqlError> =>
    Effect.suspend((): Effect.Effect<A, E | SqlError> => {
      if (!level.session.alive) return Effect.fail(lost)
      return isOpen(level) ? statement(body) : over
    })

  const crash = (): void => {
    log.rollback(0)
    session.alive = false
    session = connect()
  }

  return {
    log,
    within,
    afterCommit,
    /** Whether the fiber is inside a transaction of this database. */
    inTransaction: Effect.map(Levels, (levels) => levelOf(levels) !== undefined),
    /** Runs synchronous reads and writes as one statement: whole or, if it fails or throws, not at all. */
    attempt: <A, E>(body: () => Result.Result<A, E>): Effect.Effect<A, E | SqlError> =>
      Effect.flatMap(Levels, (levels) => {
        const level = levelOf(levels)
        if (level === undefined) return within(statement(body))
        return hooks === undefined ? inside(level, body) : Effect.andThen(hooks.statement, inside(level, body))
      }),
    /** Rolls back what is open, as the loss of every connection does; its later statements fail. */
    crash,
    /** Remembers what is committed; what it returns is a crash after which all is as it was remembered. */
    snapshot: (): (() => void) => {
      const restore = log.snapshot()
      return () => {
        crash()
        restore()
      }
    },
    /** A crash after which nothing is left. */
    wipe: (): void => {
      crash()
      log.wipe()
    }
  }
}

export class MemoryDatabase extends Context.Service<MemoryDatabase, ReturnType<typeof unsafeMake>>()(
  "holdfast/layers/MemoryDatabase"
) {
  /** An empty database. */
  static readonly make: Effect.Effect<MemoryDatabase["Service"]> = Effect.sync(() => unsafeMake())
  /** An empty database behind hooks. */
  static readonly makeHooked: (hooks: Hooks) => MemoryDatabase["Service"] = unsafeMake
  /** An empty database with every build. */
  static readonly layer: Layer.Layer<MemoryDatabase> = Layer.effect(MemoryDatabase, MemoryDatabase.make)
}

/** The state that one store keeps in each database. */
export class MemorySlot<S> {
  private readonly states = new WeakMap<UndoLog, S>()
  private readonly initial: (log: UndoLog) => S
  constructor(initial: (log: UndoLog) => S) {
    this.initial = initial
  }
  of(database: MemoryDatabase["Service"]): S {
    let state = this.states.get(database.log)
    if (state === undefined) {
      state = this.initial(database.log)
      this.states.set(database.log, state)
    }
    return state
  }
}
