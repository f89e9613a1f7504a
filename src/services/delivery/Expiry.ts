/**
 * Takes back what is past its deadline: an event says so, and the protocol is told, all in one transaction. A protocol
 * that cannot take it in stops nobody else; the operator hears of it.
 */
import { Cause, Clock, Effect, Exit, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { Transactions } from "../Transactions.ts"
import { AttentionStore } from "./AttentionStore.ts"
import { DeliveryMeter } from "./DeliveryMeter.ts"
import { Feed } from "./Feed.ts"
import { mayPass } from "./Persist.ts"
import type { Handled } from "./Protocol.ts"
import { type Expired, RetryStore } from "./RetryStore.ts"
import { Wakes } from "./Wakes.ts"

/** Messages taken back in one transaction, of which some come with their bodies: 64 MiB at the most. */
const atOnce = 64

/** A protocol could not take in that a message's time was over. */
class Untold extends Schema.TaggedError<Untold>()("Untold", {}) {}

type Mode = "together" | "one-by-one"

/** Builds it for `protocols`, whose services are taken from the context now. */
export const make = Effect.fnUntraced(function* <R>(protocols: ReadonlyArray<Handled<R>>) {
  const store = yield* RetryStore
  const feed = yield* Feed
  const attention = yield* AttentionStore
  const transactions = yield* Transactions
  const meter = yield* DeliveryMeter
  const wakes = yield* Wakes
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<R>()
  const listening = new Map<string, NonNullable<Handled<R>["onExpired"]>>()
  for (const { name, onExpired } of protocols) if (onExpired !== undefined) listening.set(name, onExpired)

  const tell = ({ body, id, outcome, peer, protocol }: Expired): Effect.Effect<void, SqlError> =>
    Effect.provide(listening.get(protocol)?.(body, { peer, id, outcome }) ?? Effect.void, context)

  const tellTogether = (expired: Expired) =>
    tell(expired).pipe(
      Effect.mapError((error): SqlError | Untold => (mayPass(error) ? error : new Untold())),
      Effect.catchDefect(() => new Untold())
    )

  /** Behind a savepoint. */
  const tellAlone = Effect.fnUntraced(function* (expired: Expired) {
    const exit = yield* Effect.exit(transactions.within(tell(expired)))
    if (Exit.isSuccess(exit)) return
    const error = Cause.findErrorOption(exit.cause)
    if (Cause.hasInterrupts(exit.cause) || (error._tag === "Some" && mayPass(error.value))) return yield* exit
    const { body, id, outcome, peer, protocol, subject } = expired
    const at = clock.currentTimeMillisUnsafe()
    yield* attention.keep({ id, peer, protocol, subject, body, end: { _tag: "Expired", outcome }, at })
    yield* Effect.logError("A protocol cannot take in that the time of a message was over", exit.cause).pipe(
      Effect.annotateLogs({ message: id, protocol })
    )
    yield* feed.append([
      { audience: "", protocol, subject, kind: "message.expiry-failed", body: { peer, id, outcome } }
    ])
  })

  const some = Effect.fnUntraced(function* (mode: Mode) {
    const expired = yield* store.expire(clock.currentTimeMillisUnsafe(), atOnce, [...listening.keys()])
    yield* feed.append(
      expired.map(({ deadline, id, outcome, peer, protocol, subject }) => ({
        audience: "",
        protocol,
        subject,
        kind: "message.expired",
        // What may have taken effect is unknown: its receipt will never be asked for.
        body: { peer, id, deadline: deadline ?? null, outcome }
      }))
    )
    if (expired.length > 0) yield* transactions.afterCommit(told(expired))
    for (const one of expired) yield* mode === "together" ? tellTogether(one) : tellAlone(one)
    return expired.length
  })

  /** What waited behind it can go. */
  const told = (expired: ReadonlyArray<Expired>) =>
    Effect.suspend(() => {
      meter.expired(expired.length)
      return Effect.forEach(new Set(expired.map(({ peer }) => peer)), wakes.wake, { discard: true })
    })

  const next = transactions.within(some("together")).pipe(
    Effect.catchTags({
      Untold: () => transactions.within(some("one-by-one")),
      // Who goes on after a statement has failed leaves the transaction of all of them useless.
      SqlError: (error) => (mayPass(error) ? Effect.fail(error) : transactions.within(some("one-by-one")))
    }),
    Effect.catchTag("Untold", (impossible) => Effect.die(impossible))
  )
  /** Everything whose time is over now. */
  const round: Effect.Effect<void, SqlError> = Effect.gen(function* () {
    while ((yield* next) === atOnce) yield* Effect.yieldNow
  })
  return { round }
})
