/**
 * How received messages are handled: a run of them together, as long as everything is plainly accepted, or one behind a
 * savepoint, with every way in which it can end (docs/PROTOCOL.md, 7.3).
 */
import { Cause, Clock, Effect, Exit, Schema } from "effect"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import { type MessageId, ok, type Outcome } from "../../protocol/delivery/Message.ts"
import type { Fresh } from "../../protocol/delivery/Sequence.ts"
import { monotonic } from "../Monotonic.ts"
import { Transactions } from "../Transactions.ts"
import { DeliveryConfig } from "./DeliveryConfig.ts"
import { DeliveryMeter } from "./DeliveryMeter.ts"
import { Feed } from "./Feed.ts"
import { mayPass } from "./Persist.ts"
import { type Handled, Nevertheless, Rejected } from "./Protocol.ts"
import { SlowHandlers } from "./SlowHandlers.ts"
import { type Link, RetryStore } from "./RetryStore.ts"

/** The optimistic run met a message that is not plainly accepted. */
export class NotPlain extends Schema.TaggedError<NotPlain>()("NotPlain", {}) {}

/** What has an effect and another outcome than `Ok` is not plainly accepted. */
const plainly = <E, R>(handled: Effect.Effect<void | Nevertheless, E, R>): Effect.Effect<void, E | NotPlain, R> =>
  Effect.flatMap(handled, (answer) => (answer instanceof Nevertheless ? Effect.fail(new NotPlain()) : Effect.void))

export interface Handling<R> {
  /** How many messages of a protocol are handled together, at most; 0 if one after the other. */
  readonly mostTogether: (protocol: string) => number
  /** Handles messages of one protocol, in order, as long as everything is plainly accepted. */
  readonly run: (link: Link, messages: ReadonlyArray<Fresh>) => Effect.Effect<void, SqlError | NotPlain, R>
  /** Handles one message. Every way in which it can go ends as an outcome, or fails the transaction to try again. */
  readonly alone: (link: Link, message: Fresh) => Effect.Effect<Outcome, SqlError, R>
  /** Keeps a message that cannot be handled, and tells the operator; what the sender is told. */
  readonly park: (link: Link, message: Fresh, why: string) => Effect.Effect<Outcome, SqlError>
}

/** What the sender learns of a message that was parked. */
const internal: Outcome = { _tag: "Refused", reason: "internal", detail: "the receiver could not handle it" }

const longestWhy = 4_096

export const make = Effect.fnUntraced(function* <R>(protocols: ReadonlyMap<string, Handled<R>>) {
  const store = yield* RetryStore
  const transactions = yield* Transactions
  const feed = yield* Feed
  const config = yield* DeliveryConfig
  const meter = yield* DeliveryMeter
  const clock = yield* Clock.Clock
  /** Messages whose handler crashed, and how often; forgotten once they are handled or parked. */
  const crashes = new Map<MessageId, number>()

  const slow = new SlowHandlers()

  /** However it ends: also by the limit of transactions, or with the session. */
  const watched = <A, E>(protocol: string, handler: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      const began = monotonic(clock)
      return Effect.ensuring(
        handler,
        Effect.suspend(() => slow.ended(protocol, monotonic(clock) - began, monotonic(clock)))
      )
    })

  const handle = (link: Link, { item }: Fresh): Effect.Effect<void | Nevertheless, Rejected | SqlError, R> => {
    const protocol = protocols.get(item.protocol)
    return protocol === undefined
      ? Effect.fail(Rejected.refused("unknown-protocol", `this node does not run "${item.protocol}"`))
      : watched(item.protocol, protocol.handle(item.body, { peer: link.peer, id: item.id }))
  }

  const park = Effect.fnUntraced(function* (link: Link, { item }: Fresh, why: string) {
    const { body, id, protocol, subject } = item
    yield* store.park(link.peer, { id, protocol, subject, body }, why, clock.currentTimeMillisUnsafe())
    const told = { peer: link.peer, id, why }
    yield* feed.append([{ audience: "", protocol, subject, kind: "message.parked", body: told }])
    yield* transactions.afterCommit(Effect.sync(() => meter.parked(1)))
    crashes.delete(id)
    return internal
  })

  /** One attempt; `undefined` if it crashed, and may be tried again. */
  const attempt = Effect.fnUntraced(function* (link: Link, fresh: Fresh) {
    const exit = yield* Effect.exit(transactions.within(handle(link, fresh)))
    if (Exit.isSuccess(exit)) {
      crashes.delete(fresh.item.id)
      return exit.value instanceof Nevertheless ? exit.value.outcome : ok
    }
    if (Cause.hasInterrupts(exit.cause)) return yield* Effect.failCause(exit.cause as Cause.Cause<never>)
    const failure = Cause.findErrorOption(exit.cause)
    if (failure._tag === "Some" && !isSqlError(failure.value)) return failure.value.outcome
    if (failure._tag === "Some" && mayPass(failure.value)) return yield* failure.value
    const attempts = (crashes.get(fresh.item.id) ?? 0) + 1
    crashes.set(fresh.item.id, attempts)
    yield* Effect.logError("A message crashed its handler", exit.cause).pipe(
      Effect.annotateLogs({ message: fresh.item.id, protocol: fresh.item.protocol, attempts })
    )
    return attempts >= config.poisonAttempts
      ? yield* park(link, fresh, Cause.pretty(exit.cause).slice(0, longestWhy))
      : undefined
  })

  const handling: Handling<R> = {
    mostTogether: (protocol) => protocols.get(protocol)?.mostTogether ?? 0,
    run: (link, messages) => {
      const name = messages[0]?.item.protocol ?? ""
      const handleAll = protocols.get(name)?.handleAll
      const handled: Effect.Effect<void, Rejected | SqlError | NotPlain, R> =
        handleAll === undefined
          ? Effect.forEach(messages, (message) => plainly(handle(link, message)), { discard: true })
          : watched(
              name,
              handleAll(messages.map(({ item }) => ({ message: item.body, from: { peer: link.peer, id: item.id } })))
            )
      return handled.pipe(
        Effect.mapError((error): SqlError | NotPlain => (mayPass(error) ? error : new NotPlain())),
        Effect.catchDefect(() => new NotPlain())
      )
    },
    alone: Effect.fnUntraced(function* (link: Link, message: Fresh) {
      let outcome = yield* attempt(link, message)
      while (outcome === undefined) outcome = yield* attempt(link, message)
      return outcome
    }),
    park
  }
  return handling
})
