/**
 * Runs the timers of a node's protocols: asks the database when the next one is due, sleeps until then, claims what is
 * due, and runs each in one transaction that first takes the timer away.
 *
 * A claim keeps others from trying the same, and decides nothing: a timer has taken effect when its row is gone. What
 * dies in between leaves the row, which is due again after its lease. One that fails is tried again after a wait that
 * grows, for ever; an event says that it fails.
 */
import { Cause, Effect, Exit, Random, Schedule, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import * as Backoff from "../../protocol/Backoff.ts"
import { Transactions } from "../Transactions.ts"
import { DeliveryConfig } from "./DeliveryConfig.ts"
import { Feed } from "./Feed.ts"
import { mayPass, persist } from "./Persist.ts"
import type { Handled } from "./Protocol.ts"
import { type ClaimedTimer, TimerStore } from "./TimerStore.ts"
import { TimerWatch } from "./TimerWatch.ts"

/** No protocol of this node knows what to do with a timer. */
class TimerUnhandled extends Schema.TaggedError<TimerUnhandled>()("TimerUnhandled", { protocol: Schema.String }) {
  override get message(): string {
    return `this node runs no protocol "${this.protocol}" with timers: run one, or cancel the timer`
  }
}

const { redeliver } = Backoff
/** How soon to look again when what is due is in somebody else's transaction, in milliseconds. */
const soon = 1_000
/** Characters of a failure that are kept. */
const maxFailure = 4_096
/** Whoever has failed so often waits for the longest. */
const oftenEnough = 30

/** For ever; needs what the protocols need. */
export const run = Effect.fnUntraced(function* <R>(protocols: ReadonlyArray<Handled<R>>) {
  const store = yield* TimerStore
  const watch = yield* TimerWatch
  const transactions = yield* Transactions
  const feed = yield* Feed
  const random = yield* SecureRandom.SecureRandom
  const config = yield* DeliveryConfig
  const context = yield* Effect.context<R>()
  const handlers = new Map(protocols.map(({ name, onTimer }) => [name, onTimer]))
  const { poisonAttempts } = config
  const lease = { millis: config.timers.lease, poisonAttempts, longest: redeliver.capMillis }
  const patient = persist("timers", config)

  const handle = ({ attempts, id, payload, protocol, subject }: ClaimedTimer): Effect.Effect<void, Error> => {
    const onTimer = handlers.get(protocol)
    if (onTimer === undefined) return Effect.fail(new TimerUnhandled({ protocol }))
    return Effect.provide(onTimer(payload, { id, subject, attempts }), context)
  }

  /** The row first: whoever cancels the timer now waits for the end of this, and is told that it is too late. */
  const takeEffect = (holder: string, timer: ClaimedTimer) =>
    transactions.within(Effect.flatMap(store.finish(timer.id, holder), (own) => (own ? handle(timer) : Effect.void)))

  const tellFailing = ({ attempts, id, protocol, subject }: ClaimedTimer, failure: string) =>
    feed.append([{ audience: "", protocol, subject, kind: "timer.failing", body: { id, attempts, failure } }])

  const giveBack = Effect.fnUntraced(function* (holder: string, timer: ClaimedTimer, cause: Cause.Cause<unknown>) {
    const { attempts } = timer
    const failure = printable(Cause.pretty(cause))
    const wait = Backoff.delay(redeliver, attempts < poisonAttempts ? attempts - 1 : oftenEnough, yield* Random.next)
    const given = yield* patient(
      transactions.within(
        Effect.tap(store.fail(timer.id, holder, { now: watch.now(), wait, failure }), (own) =>
          own && attempts === poisonAttempts ? tellFailing(timer, failure) : Effect.void
        )
      )
    )
    // Cancelled meanwhile, or it has taken effect in spite of a lost answer.
    if (!given) return
    const about = { timer: timer.id, protocol: timer.protocol, attempts, wait }
    yield* Effect.annotateLogs(Effect.logWarning("A timer failed and is tried again", cause), about)
  })

  const briefly = Schedule.upTo(Schedule.exponential(config.databaseRetry.first), { times: poisonAttempts - 1 })

  const runOne = Effect.fnUntraced(function* (holder: string, timer: ClaimedTimer) {
    // What fails is told in the transaction of its failure; of what kills its process only the next claim can tell.
    if (timer.abandoned && timer.attempts > poisonAttempts) {
      yield* patient(tellFailing(timer, "its process has ended, or taken longer than its lease"))
    }
    const exit = yield* takeEffect(holder, timer).pipe(
      Effect.retry({ schedule: briefly, while: passesSoon }),
      Effect.exit
    )
    // A handler that interrupts itself has failed like any other; an interruption of this fiber gets no further.
    if (Exit.isFailure(exit)) yield* giveBack(holder, timer, exit.cause)
  })

  /** Milliseconds until there may be more to do. */
  const round = Effect.gen(function* () {
    const wait = yield* watch.look
    if (wait === undefined || wait > 0) return Math.min(wait ?? config.sweep, config.sweep)
    const holder = yield* random.uuidV4()
    const claimed = yield* store.claim(holder, { now: watch.now(), limit: config.timers.batch, lease })
    for (const timer of claimed) yield* runOne(holder, timer)
    return claimed.length === 0 ? soon : 0
  })

  const attempted = patient(round).pipe(
    Effect.catchCause((cause) =>
      Cause.hasInterrupts(cause)
        ? Effect.interrupt
        : Effect.as(Effect.logWarning("A round of timers failed", cause), config.databaseRetry.longest)
    )
  )

  yield* patient(Effect.suspend(() => store.free(watch.now(), poisonAttempts)))
  return yield* Effect.forever(Effect.flatMap(attempted, (wait) => (wait > 0 ? watch.sleep(wait) : Effect.void)))
})

/** A transaction that has lasted too long would do so again, and hold up the other timers. */
const passesSoon = (error: unknown): boolean => mayPass(error) && error.reason._tag !== "StatementTimeoutError"

/** What a database keeps as text. */
const printable = (text: string): string => text.slice(0, maxFailure).toWellFormed().replaceAll("\0", "\u{fffd}")
