/**
 * Asks protocols whether a message is still necessary, just before it is offered (docs/PROTOCOL.md, 7.2).
 *
 * What is not is taken back in the transaction of the question: it goes out as an empty number, and an event says so.
 * Messages of protocols that do not ask cost nothing.
 */
import { Cause, Effect, Exit, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { MessageId, Numbered } from "../../protocol/delivery/Message.ts"
import { Transactions } from "../Transactions.ts"
import { DeliveryConfig } from "./DeliveryConfig.ts"
import { Feed } from "./Feed.ts"
import { mayPass, persist } from "./Persist.ts"
import type { Handled } from "./Protocol.ts"
import { type Link, type LinkFenced, RetryStore } from "./RetryStore.ts"

/** The batch as it is to be sent: what is no longer necessary is void in it. */
export type Necessity = (
  link: Link,
  batch: ReadonlyArray<Numbered>
) => Effect.Effect<ReadonlyArray<Numbered>, SqlError | LinkFenced>

/** A protocol could not say whether a message is still necessary. */
class Unanswered extends Schema.TaggedError<Unanswered>()("Unanswered", {}) {}

type Mode = "together" | "one-by-one"
type Attempts = ReadonlyMap<MessageId, number>

const empty = new Uint8Array()

/** Builds it for `protocols`, whose services are taken from the context now. */
export const make = Effect.fnUntraced(function* <R>(protocols: ReadonlyMap<string, Handled<R>>) {
  const store = yield* RetryStore
  const transactions = yield* Transactions
  const feed = yield* Feed
  const config = yield* DeliveryConfig
  const context = yield* Effect.context<R>()
  const questions = new Map<string, NonNullable<Handled<R>["isStillNecessary"]>>()
  for (const { isStillNecessary, name } of protocols.values()) {
    if (isStillNecessary !== undefined) questions.set(name, isStillNecessary)
  }
  /** Protocols that have failed to answer: that is logged once. */
  const failing = new Set<string>()

  const ask = (
    { peer }: Link,
    { body, id, protocol }: Numbered,
    attempts: Attempts
  ): Effect.Effect<boolean, SqlError> =>
    Effect.provide(
      questions.get(protocol)?.(body, { peer, id, attempts: attempts.get(id) ?? 1 }) ?? Effect.succeed(true),
      context
    )

  /** Behind a savepoint. What cannot be asked is necessary: sending it again is what would happen without the question. */
  const askAlone = Effect.fnUntraced(function* (link: Link, message: Numbered, attempts: Attempts) {
    const exit = yield* Effect.exit(transactions.within(ask(link, message, attempts)))
    if (Exit.isSuccess(exit)) return exit.value
    const error = Cause.findErrorOption(exit.cause)
    if (Cause.hasInterrupts(exit.cause) || (error._tag === "Some" && mayPass(error.value))) return yield* exit
    if (!failing.has(message.protocol)) {
      failing.add(message.protocol)
      yield* Effect.logError("A protocol cannot say whether a message is still necessary: it is sent", exit.cause).pipe(
        Effect.annotateLogs({ message: message.id, protocol: message.protocol })
      )
    }
    return true
  })

  const askTogether = (link: Link, message: Numbered, attempts: Attempts) =>
    ask(link, message, attempts).pipe(
      Effect.mapError((error): SqlError | Unanswered => (mayPass(error) ? error : new Unanswered())),
      Effect.catchDefect(() => new Unanswered())
    )

  const takeBack = Effect.fnUntraced(function* (link: Link, unnecessary: ReadonlyArray<Numbered>) {
    // Its row lock, and that the link is still ours: taking back is a write like any other.
    yield* store.positions(link)
    for (const { id, protocol, subject } of unnecessary) {
      const taken = yield* store.cancel(id)
      if (taken === undefined) continue
      const body = { peer: link.peer, id, outcome: taken.outcome }
      yield* feed.append([{ audience: "", protocol, subject, kind: "message.unnecessary", body }])
    }
  })

  const look = Effect.fnUntraced(function* (link: Link, batch: ReadonlyArray<Numbered>, mode: Mode) {
    const asking = batch.filter((message) => !message.void && questions.has(message.protocol))
    const attempts = yield* store.attempts(asking.map(({ id }) => id))
    const unnecessary: Array<Numbered> = []
    for (const message of asking) {
      const question = mode === "together" ? askTogether : askAlone
      if (!(yield* question(link, message, attempts))) unnecessary.push(message)
    }
    if (unnecessary.length === 0) return batch
    yield* takeBack(link, unnecessary)
    const gone = new Set(unnecessary.map(({ id }) => id))
    return batch.map((message) => (gone.has(message.id) ? { ...message, body: empty, void: true } : message))
  })

  const necessity: Necessity = (link, batch) =>
    batch.some((message) => !message.void && questions.has(message.protocol))
      ? transactions.within(look(link, batch, "together")).pipe(
          Effect.catchTags({
            Unanswered: () => transactions.within(look(link, batch, "one-by-one")),
            // A question that goes on after a statement has failed leaves the transaction of all of them useless.
            SqlError: (error) =>
              mayPass(error) ? Effect.fail(error) : transactions.within(look(link, batch, "one-by-one"))
          }),
          Effect.catchTag("Unanswered", (impossible) => Effect.die(impossible)),
          persist("asking whether messages are still necessary", config)
        )
      : Effect.succeed(batch)
  return necessity
})
