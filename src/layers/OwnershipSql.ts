/**
 * Ownership on PostgreSQL: whoever holds the session's advisory lock owns the node, with a lease behind it.
 *
 * A dead owner's lock is free the moment the server sees its connection end. An owner that is frozen or cut off keeps
 * its connection: when its lease has run out, a stand-by has the server end that connection. An owner whose own
 * connection is lost goes on if it can renew its lease, and else stops when its own clock says that the lease is over.
 */
import { Clock, Deferred, Duration, Effect, Layer, Schedule, type Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import { SqlClient, type SqlConnection } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import { DeliveryMeter } from "../services/delivery/DeliveryMeter.ts"
import { FeedStore } from "../services/delivery/FeedStore.ts"
import { DatabaseTaken, Ownership, type Term } from "../services/delivery/Ownership.ts"
import { mayPass } from "../services/delivery/Persist.ts"
import { Identity } from "../services/link/Identity.ts"
import { monotonic } from "../services/Monotonic.ts"
import { type Lease, make as statements, on, type Taken, transactionOn } from "./ownership/Lease.ts"

export interface Options {
  /** How long a frozen owner keeps the node at the most; 10 s by default, renewed every third of it. */
  readonly lease?: Duration.Input | undefined
  /**
   * Waits while another process owns the node, and gives the node up when it cannot renew its lease. True by default;
   * else `own` fails with `DatabaseTaken`, and a term goes on while the database is away.
   */
  readonly standby?: boolean | undefined
  /** Runs each time this process begins to stand by. */
  readonly onStandby?: Effect.Effect<void> | undefined
}

/** The server may take a moment to notice that a killed process is gone, in milliseconds. */
const noticing = 3_000
/** The shortest and the longest pause before a lost database is asked again. */
const backOff = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("2 seconds")]).pipe(Schedule.jittered)
/** How long a frozen owner's open transaction may hold a take-over up before its session is ended. */
const grace = "500 millis"
/** How often something is asked that may change any moment. */
const often = "200 millis"
/** A session with the lock that has done nothing for so long is no stand-by that just got it, in milliseconds. */
const idle = 1_000

interface Tools {
  readonly sql: SqlClient.SqlClient
  readonly identity: Identity["Service"]
  readonly clock: Clock.Clock
  readonly lease: Lease
  readonly millis: number
  readonly options: Options
  /** Begins a term on a session, with whatever else belongs into that transaction. */
  readonly takeOver: (session: SqlConnection.Connection, pid: number) => Effect.Effect<Taken, SqlError>
}

const make = (options: Options) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const random = yield* SecureRandom.SecureRandom
    const events = yield* FeedStore
    const identity = yield* Identity
    const meter = yield* DeliveryMeter
    const clock = yield* Clock.Clock
    const millis = Duration.toMillis(Duration.fromInputUnsafe(options.lease ?? "10 seconds"))
    const agent = yield* random.uuidV4()
    const lease = statements(sql, { node: identity.key, agent, lease: millis })

    const endBlockers = (pid: number) =>
      lease.endBlockers(pid).pipe(
        Effect.tap((ended) =>
          ended.length === 0
            ? Effect.void
            : Effect.annotateLogs(Effect.logWarning("Ended sessions that held a take-over up"), {
                sessions: ended.length
              })
        ),
        Effect.catchTag("SqlError", (error) => Effect.logWarning("A take-over is held up", error)),
        Effect.repeat(Schedule.spaced(often)),
        Effect.delay(grace),
        Effect.andThen(Effect.never)
      )

    const begin = Effect.gen(function* () {
      const taken = yield* lease.takeOver(yield* random.uuidV4())
      const { former, links, term } = taken
      if (former === undefined || former.gaveUp) return taken
      const body = { agent, former: former.agent, incarnation: String(term), links }
      const event = { audience: "", protocol: "", subject: identity.key, kind: "node.taken-over", body }
      yield* events.append([event], clock.currentTimeMillisUnsafe())
      return taken
    })

    const takeOver = Effect.fnUntraced(function* (session: SqlConnection.Connection, pid: number) {
      const taken = yield* Effect.raceFirst(transactionOn(sql, session)(begin), endBlockers(pid))
      const { former, links, term } = taken
      if (former !== undefined && !former.gaveUp) meter.takenOver(links)
      yield* Effect.annotateLogs(Effect.logInfo("This process owns the node"), { incarnation: String(term), links })
      return taken
    })

    const tools: Tools = { sql, identity, clock, lease, millis, options, takeOver }
    return Ownership.of({ own: Effect.suspend(() => own(tools)) })
  })

/** The life of one claim to the node: before its term, in it, and what is left of it. */
class Life {
  readonly started = Deferred.makeUnsafe<Term, DatabaseTaken | SqlError>()
  readonly over = Deferred.makeUnsafe<string>()
  term: bigint | undefined
  stoodBy = false
  /** Its scope closes: the node is given up. */
  leaving = false
  /** Monotonic milliseconds at which the lease is over for certain. */
  until = 0
  /** It has said that the database is away. */
  complained = false
  /** The last session that had the lock. */
  pid = 0
}

const own = Effect.fnUntraced(function* (tools: Tools): Effect.fn.Return<Term, DatabaseTaken | SqlError, Scope.Scope> {
  const { options } = tools
  const life = new Life()
  /** Ends the life with the term, whatever the database does meanwhile. */
  const watched = Effect.andThen(Effect.exit(Deferred.await(life.started)), watch(tools, life))
  const living = keep(tools, life).pipe(
    Effect.tapError((error) => {
      if (!mayPass(error)) return Deferred.fail(life.started, error)
      if (life.complained) return Effect.void
      life.complained = true
      return Effect.logWarning("The database does not answer, asking it again for the node", error)
    }),
    Effect.retry({ schedule: backOff, while: mayPass }),
    Effect.catch((error) =>
      life.term === undefined
        ? Effect.void
        : Deferred.succeed(life.over, `its lease cannot be renewed: ${error.message}`)
    ),
    Effect.tapCause((cause) => Effect.logError("The keeper of the node's lease failed", cause))
  )
  yield* Effect.forkScoped(options.standby === false ? living : Effect.raceFirst(living, watched), {
    startImmediately: true
  })
  yield* Effect.addFinalizer(() => Effect.sync(() => (life.leaving = true)))
  return yield* Deferred.await(life.started)
})

/** Until the lease cannot have been renewed in time. */
const watch = Effect.fnUntraced(function* ({ clock }: Tools, life: Life) {
  for (let left = life.until - monotonic(clock); left > 0; left = life.until - monotonic(clock))
    yield* Effect.sleep(left)
  yield* Deferred.succeed(life.over, "its lease could not be renewed in time")
})

/** On one session: gets the lock, begins the term or goes on with it, and renews the lease until that fails. */
const keep = Effect.fnUntraced(function* (tools: Tools, life: Life) {
  const { lease, millis, sql } = tools
  const session = yield* sql.reserve
  const here = on(sql, session)
  const release = Effect.gen(function* () {
    if (life.leaving && life.term !== undefined) yield* here(lease.giveUp(life.term))
    yield* here(lease.unlock)
  })
  yield* Effect.addFinalizer(() => Effect.ignore(release))
  yield* here(lease.patience(millis / 3))
  const pid = yield* here(lease.pid)
  if (life.term === undefined) yield* begin(tools, life, session, pid)
  else if (!(yield* regain(tools, life, here))) return
  life.pid = pid
  life.complained = false
  while (true) {
    yield* Effect.sleep(millis / 3)
    if (!(yield* renew(tools, life, here))) return
  }
}, Effect.scoped)

type Here = ReturnType<typeof on>

const renew = Effect.fnUntraced(function* ({ clock, lease, millis }: Tools, life: Life, here: Here) {
  const at = monotonic(clock)
  const renewed = life.term !== undefined && (yield* here(lease.renew(life.term)))
  if (renewed) life.until = at + millis
  else yield* Deferred.succeed(life.over, "another process has taken it over")
  return renewed
})

const begin = Effect.fnUntraced(function* (tools: Tools, life: Life, session: SqlConnection.Connection, pid: number) {
  const { clock, millis, sql } = tools
  const here = on(sql, session)
  if (!(yield* here(tools.lease.tryLock))) yield* wait(tools, life, here)
  yield* here(tools.lease.patience(millis))
  const at = monotonic(clock)
  const { former, term } = yield* tools.takeOver(session, pid)
  life.term = term
  life.until = at + millis
  yield* Deferred.succeed(life.started, {
    incarnation: term,
    // Who has not given up may still run, and hold its port: it has lost its session alone.
    stoodBy: life.stoodBy || former?.gaveUp === false,
    over: Deferred.await(life.over)
  })
})

/** Until the lock is this session's. */
const wait = Effect.fnUntraced(function* ({ clock, identity, lease, millis, options }: Tools, life: Life, here: Here) {
  if (options.standby === false) {
    for (const until = monotonic(clock) + noticing; monotonic(clock) < until; yield* Effect.sleep(often)) {
      if (yield* here(lease.tryLock)) return
    }
    return yield* new DatabaseTaken({ node: identity.key })
  }
  if (!life.stoodBy) {
    life.stoodBy = true
    yield* options.onStandby ?? Effect.void
    yield* Effect.logInfo("Standing by: another process owns the node")
  }
  while (true) {
    const left = yield* here(lease.left)
    if (left === undefined || left <= 0) {
      yield* Effect.catchTag(here(evict(lease, left === undefined ? millis : idle)), "SqlError", (error) =>
        mayPass(error) ? Effect.fail(error) : Effect.logWarning(notAllowed, error)
      )
    }
    yield* here(lease.patience(Math.min(millis / 3, Math.max(left ?? millis, 50))))
    if (yield* here(lease.lock)) return
  }
})

const evict = (lease: Lease, idle: number) =>
  Effect.tap(lease.evict(idle), ({ length }) =>
    length === 0 ? Effect.void : Effect.logWarning("Ended the session of an owner whose lease has run out")
  )

const notAllowed =
  "The owner's lease has run out, and its session cannot be ended: let both use one role of the database, or grant pg_signal_backend"

/** Goes on with the term on a new session; false if it is over. */
const regain = Effect.fnUntraced(function* (tools: Tools, life: Life, here: Here) {
  const { lease } = tools
  while (yield* renew(tools, life, here)) {
    if (yield* here(lease.tryLock)) return true
    // The server may still count the former session alive, or a stand-by has the lock and takes over any moment.
    yield* here(lease.endFormer(life.pid))
    yield* Effect.sleep(often)
  }
  return false
})

/** Needs a pool of three connections at the least: one is the lock's. */
export const layer = (
  options: Options = {}
): Layer.Layer<Ownership, never, SqlClient.SqlClient | SecureRandom.SecureRandom | FeedStore | Identity> =>
  Layer.effect(Ownership, make(options))
