/**
 * Receiving: a batch of messages, what they cause, and the fact of having received them become true in one
 * transaction (docs/PROTOCOL.md, 7.3).
 *
 * A batch runs as one piece first. If any message is not plainly accepted everything is rolled back and runs again with
 * a savepoint per message, so that a message which is not `Ok` leaves no write and never blocks the others.
 */
import { Cause, Clock, Effect, Exit, Schema } from "effect"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import type { Data } from "../../protocol/delivery/DeliveryFrame.ts"
import { Held } from "../../protocol/delivery/Held.ts"
import { type Answer, type MessageId, ok, type Outcome } from "../../protocol/delivery/Message.ts"
import * as Sequence from "../../protocol/delivery/Sequence.ts"
import { Buggify } from "../Buggify.ts"
import { monotonic } from "../Monotonic.ts"
import { Transactions } from "../Transactions.ts"
import { DeliveryConfig } from "./DeliveryConfig.ts"
import { Feed } from "./Feed.ts"
import { mayPass } from "./Persist.ts"
import { type Handled, Rejected } from "./Protocol.ts"
import { type Held as HeldId, type Link, type LinkFenced, RetryStore } from "./RetryStore.ts"

/** The peer sent what its stream does not allow: the session ends and both sides resume. */
export class StreamViolated extends Schema.TaggedError<StreamViolated>()("StreamViolated", { detail: Schema.String }) {
  override get message(): string {
    return this.detail
  }
}

/** How far the peer's stream has been handled, and the answers to the messages that were handed in. */
export interface Progress {
  readonly stream: string
  readonly upTo: bigint
  readonly answers: ReadonlyArray<Answer>
}

/** The optimistic run met a message that is not plainly accepted. */
class NotPlain extends Schema.TaggedError<NotPlain>()("NotPlain", {}) {}

type IdentifiedAnswer = Answer & { readonly id: MessageId }
type Mode = "together" | "one-by-one"

export interface Intake {
  /**
   * Handles frames of the peer's stream, in order, as one transaction; not all of them if that takes long, but one
   * message at least.
   */
  readonly receive: (
    link: Link,
    frames: ReadonlyArray<Data>
  ) => Effect.Effect<Progress, SqlError | LinkFenced | StreamViolated>
}

/** Builds the receiving side for `protocols`, whose services are taken from the context now. */
export const make = Effect.fnUntraced(function* <R>(protocols: ReadonlyMap<string, Handled<R>>) {
  const store = yield* RetryStore
  const transactions = yield* Transactions
  const feed = yield* Feed
  const buggify = yield* Buggify
  const config = yield* DeliveryConfig
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<R>()
  /** Messages whose handler crashed, and how often; forgotten once they are handled or parked. */
  const crashes = new Map<MessageId, number>()

  const handle = (link: Link, { item }: Sequence.Fresh): Effect.Effect<void, Rejected | SqlError, R> => {
    const protocol = protocols.get(item.protocol)
    return protocol === undefined
      ? Effect.fail(Rejected.refused("unknown-protocol", `this node does not run "${item.protocol}"`))
      : protocol.handle(item.body, { peer: link.peer, id: item.id })
  }

  /** Keeps a message that crashes its handler every time, and tells the operator and the sender. */
  const park = Effect.fnUntraced(function* (link: Link, { item }: Sequence.Fresh, why: string) {
    const now = clock.currentTimeMillisUnsafe()
    yield* store.park(
      link.peer,
      { id: item.id, protocol: item.protocol, subject: item.subject, body: item.body },
      why,
      now
    )
    const event = { audience: "", protocol: item.protocol, subject: item.subject, kind: "message.parked" }
    yield* feed.append([{ ...event, body: { peer: link.peer, id: item.id, why } }])
    crashes.delete(item.id)
    const outcome: Outcome = { _tag: "Refused", reason: "internal", detail: "the receiver could not handle it" }
    return outcome
  })

  /** One message behind a savepoint: every way in which it can go ends as an outcome, or fails the batch to try again. */
  const handleAlone = Effect.fnUntraced(function* (link: Link, fresh: Sequence.Fresh) {
    const exit = yield* Effect.exit(transactions.within(handle(link, fresh)))
    if (Exit.isSuccess(exit)) {
      crashes.delete(fresh.item.id)
      return ok
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
      ? yield* park(link, fresh, Cause.pretty(exit.cause).slice(0, 4_096))
      : undefined
  })

  /** Handles together what came one behind the other for one protocol, as long as everything is plainly accepted. */
  const handleRun = (link: Link, run: ReadonlyArray<Sequence.Fresh>): Effect.Effect<void, SqlError | NotPlain, R> => {
    const handleAll = protocols.get(run[0]?.item.protocol ?? "")?.handleAll
    const handled: Effect.Effect<void, Rejected | SqlError, R> =
      handleAll === undefined
        ? Effect.forEach(run, (fresh) => handle(link, fresh), { discard: true })
        : handleAll(run.map(({ item }) => ({ message: item.body, from: { peer: link.peer, id: item.id } })))
    return handled.pipe(
      Effect.mapError((error): SqlError | NotPlain => (mayPass(error) ? error : new NotPlain())),
      Effect.catchDefect(() => new NotPlain())
    )
  }

  const outcomeOf = Effect.fnUntraced(function* (link: Link, fresh: Sequence.Fresh, mode: Mode) {
    if (mode === "one-by-one") {
      let outcome = yield* handleAlone(link, fresh)
      while (outcome === undefined) outcome = yield* handleAlone(link, fresh)
      return outcome
    }
    yield* handle(link, fresh).pipe(
      Effect.mapError((error): SqlError | NotPlain => (mayPass(error) ? error : new NotPlain())),
      Effect.catchDefect(() => new NotPlain())
    )
    return ok
  })

  const run = Effect.fnUntraced(function* (link: Link, frames: ReadonlyArray<Data>, mode: Mode) {
    const startedAt = monotonic(clock)
    const before = yield* store.receiving(link)
    const batch = plan(before, frames)
    if (typeof batch === "string") return yield* new StreamViolated({ detail: batch })
    const known =
      before.restarted || batch.adopts
        ? yield* store.applied(
            link.peer,
            batch.fresh.map(({ item }) => item.id),
            batch.stream
          )
        : nothing
    const first = batch.position - BigInt(batch.fresh.length) + 1n
    const { ended, waiting } = batch.adopts ? nobody : stillWaiting(before.held, first)
    const held = new Held(waiting)
    /** What this batch puts on hold, or leaves there under another number. */
    const onHold = new Map<MessageId, HeldId>()
    const release = (item: Sequence.Fresh["item"]) => {
      held.release(item)
      onHold.delete(item.id)
    }
    const answers: Array<IdentifiedAnswer> = []
    const applied: Array<MessageId> = []
    let duplicates = batch.duplicates
    let position = first - 1n
    for (const fresh of batch.fresh) {
      const { item, seq } = fresh
      if (item.void === true) release(item)
      else if (known.has(item.id)) duplicates++
      else {
        const behind = held.inFrontOf(item)
        const outcome: Outcome =
          behind === undefined ? yield* outcomeOf(link, fresh, mode) : { _tag: "Later", retryAfterMillis: 0, behind }
        if (outcome._tag === "Ok") applied.push(item.id)
        else answers.push({ seq, id: item.id, outcome })
        if (outcome._tag === "Later") {
          const { id, protocol, subject } = item
          held.hold({ protocol, subject, id })
          onHold.set(id, { protocol, subject, id, seq })
        } else release(item)
      }
      position = seq
      if (monotonic(clock) - startedAt >= config.batchTime || buggify.fires("delivery.transaction-cut-short")) break
    }
    const { adopts, stream } = batch
    const changes = { held: [...onHold.values()], released: [...held.released, ...ended] }
    const written = { stream, adopts, position, applied, answers, duplicates, seen: batch.seen, ...changes }
    yield* store.received(link, written, clock.currentTimeMillisUnsafe())
    yield* buggify.pass("delivery.handled-before-commit")
    const progress: Progress = {
      stream,
      upTo: position,
      answers: answers.map(({ outcome, seq }) => ({ seq, outcome }))
    }
    return { progress, repeated: batch.duplicates > 0 }
  })

  /**
   * What came again has been answered before, possibly in a transaction of whose commit we never heard: its answers are
   * those that were kept then.
   */
  const answerAgain = Effect.fnUntraced(function* (link: Link, first: bigint, { stream, upTo }: Progress) {
    const { answers } = yield* store.positions(link)
    const progress: Progress = { stream, upTo, answers: answers.filter(({ seq }) => seq >= first && seq <= upTo) }
    return progress
  })

  const mode = (): Mode => (buggify.fires("delivery.handled-one-by-one") ? "one-by-one" : "together")

  const intake: Intake = {
    receive: (link, frames) =>
      transactions.within(run(link, frames, mode())).pipe(
        Effect.catchTags({
          NotPlain: () => transactions.within(run(link, frames, "one-by-one")),
          // A handler that goes on after a statement has failed leaves the transaction of all of them useless.
          SqlError: (error) =>
            mayPass(error) ? Effect.fail(error) : transactions.within(run(link, frames, "one-by-one"))
        }),
        Effect.catchTag("NotPlain", (impossible) => Effect.die(impossible)),
        Effect.flatMap(({ progress, repeated }) =>
          repeated ? answerAgain(link, frames[0]!.first, progress) : Effect.succeed(progress)
        ),
        // Once a batch: the contexts are copied to be merged, which costs more than a small handler.
        Effect.provide(context)
      )
  }
  return intake
})

const nothing: ReadonlySet<MessageId> = new Set()
const nobody = { waiting: [], ended: [] }

/**
 * What is on hold and still has to be when `first` comes. A sender runs at most `maxAhead` ahead of what it has settled:
 * whatever has a greater number was numbered when it knew the answer, and kept to the order itself. So the ids on hold
 * are never many, and one of which nothing is heard any more does not close its subject for ever.
 */
const stillWaiting = (
  held: ReadonlyArray<HeldId>,
  first: bigint
): { readonly waiting: ReadonlyArray<HeldId>; readonly ended: ReadonlyArray<MessageId> } => {
  const since = first - BigInt(Sequence.maxAhead.messages)
  return {
    waiting: held.filter(({ seq }) => seq >= since),
    ended: held.filter(({ seq }) => seq < since).map(({ id }) => id)
  }
}

interface Plan {
  readonly stream: string
  readonly adopts: boolean
  readonly position: bigint
  readonly fresh: ReadonlyArray<Sequence.Fresh>
  readonly duplicates: number
  readonly seen: bigint
}

/** Several frames as one batch, or what is wrong with them. */
const plan = (before: Sequence.Receiving, frames: ReadonlyArray<Data>): Plan | string => {
  let at: Sequence.Receiving = before
  let adopts = false
  let duplicates = 0
  let seen = 0n
  const fresh: Array<Sequence.Fresh> = []
  for (const frame of frames) {
    const received = Sequence.receive(at, frame)
    if (received._tag === "Violation") return received.detail
    at = { stream: frame.stream, position: received.position }
    adopts ||= received.adopts
    duplicates += received.duplicates
    seen = frame.seen > seen ? frame.seen : seen
    fresh.push(...received.fresh)
  }
  return { stream: at.stream ?? "", adopts, position: at.position, fresh, duplicates, seen }
}
