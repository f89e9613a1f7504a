/**
 * Receiving: a batch of messages, what they cause, and the fact of having received them become true in one
 * transaction (docs/PROTOCOL.md, 7.3).
 *
 * A batch runs as one piece first. If any message is not plainly accepted everything is rolled back and runs again with
 * a savepoint per message, so that a message which is not `Ok` leaves no write and never blocks the others.
 */
import { Clock, Effect, Schema, Semaphore } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Data } from "../../protocol/delivery/DeliveryFrame.ts"
import type { Answer, MessageId } from "../../protocol/delivery/Message.ts"
import * as Sequence from "../../protocol/delivery/Sequence.ts"
import { Buggify } from "../Buggify.ts"
import { monotonic } from "../Monotonic.ts"
import { Transactions } from "../Transactions.ts"
import { Arrival, plan } from "./Arrival.ts"
import { DeliveryConfig } from "./DeliveryConfig.ts"
import { DeliveryMeter } from "./DeliveryMeter.ts"
import * as HandlingService from "./Handling.ts"
import { mayPass } from "./Persist.ts"
import type { Handled } from "./Protocol.ts"
import { type Claimed, type LinkFenced, RetryStore } from "./RetryStore.ts"
import { Suspects } from "./Suspects.ts"

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

/**
 * Handles frames of the peer's stream, in order, as one transaction; not all of them if that takes long, but one
 * message at least. One call after the other.
 */
export type Receive = (frames: ReadonlyArray<Data>) => Effect.Effect<Progress, SqlError | LinkFenced | StreamViolated>

export interface Intake {
  /** For one session. */
  readonly open: (link: Claimed) => Receive
}

type Mode = "together" | "one-by-one"
type Failure = SqlError | LinkFenced | StreamViolated | HandlingService.NotPlain

/** Builds the receiving side for `protocols`, whose services are taken from the context now. */
export const make = Effect.fnUntraced(function* <R>(protocols: ReadonlyMap<string, Handled<R>>) {
  const store = yield* RetryStore
  const transactions = yield* Transactions
  const buggify = yield* Buggify
  const config = yield* DeliveryConfig
  const meter = yield* DeliveryMeter
  const clock = yield* Clock.Clock
  const handling = yield* HandlingService.make(protocols)
  const context = yield* Effect.context<R>()
  const suspects = new Suspects()
  const turn = yield* Semaphore.make(1)

  const open = (link: Claimed): Receive => {
    /** Where the stream stands, known from this session's last transaction, as long as nothing is on hold. */
    let known: { readonly stream: string; readonly position: bigint } | undefined
    /** Others may have died of what comes now: until that is handled, one message at a time. */
    const fruitless = suspects.claimed(link)
    let careful = link.suspect !== undefined || fruitless >= config.poisonAttempts
    /** The last of it. */
    let carefulUpTo: bigint | undefined
    let isFirst = true

    /** Names the next message before it is handled, which may be the end; it is guilty if it was so often enough. */
    const accuse = Effect.fnUntraced(function* (frames: ReadonlyArray<Data>) {
      const { receiving } = yield* store.positions(link)
      const position = receiving.stream === frames[0]?.stream ? receiving.position : 0n
      const next = Sequence.beyond(frames, position)[0]?.items[0]
      if (next === undefined) return undefined
      const times = suspects.next(link.peer, next.id)
      suspects.named(link.peer, next.id, times)
      yield* store.accuse(link, next.id, times)
      return times > config.poisonAttempts ? next.id : undefined
    })

    const run = Effect.fnUntraced(function* (frames: ReadonlyArray<Data>, mode: Mode, guilty?: MessageId) {
      const startedAt = monotonic(clock)
      const after = known
      const before = after === undefined ? yield* store.receiving(link) : { ...after, ...undisturbed }
      const batch = plan(before, frames)
      if (typeof batch === "string") return yield* new StreamViolated({ detail: batch })
      const applied =
        before.restarted || batch.adopts
          ? yield* store.applied(
              link.peer,
              batch.fresh.map(({ item }) => item.id),
              batch.stream
            )
          : nothing
      const work = new Arrival(batch, before.held)
      const isLate = () =>
        careful || monotonic(clock) - startedAt >= config.batchTime || buggify.fires("delivery.transaction-cut-short")
      for (const fresh of batch.fresh) {
        const { item } = fresh
        if (mode === "together" && work.run.length > 0 && !work.continues(item)) {
          yield* work.handle(handling, link)
          if (isLate()) break
        }
        if (item.void === true) work.skip(fresh)
        else if (applied.has(item.id)) work.repeat(fresh)
        else {
          const behind = work.inFrontOf(item)
          if (behind !== undefined) {
            yield* work.handle(handling, link)
            work.conclude(fresh, { _tag: "Later", retryAfterMillis: 0, behind })
          } else if (item.id === guilty) work.conclude(fresh, yield* handling.park(link, fresh, killed))
          else if (mode === "one-by-one") work.conclude(fresh, yield* handling.alone(link, fresh))
          else work.expect(fresh)
        }
        const isAlone = mode === "one-by-one" || careful
        if (!isAlone && work.run.length < handling.mostTogether(item.protocol)) continue
        yield* work.handle(handling, link)
        if (isLate()) break
      }
      yield* work.handle(handling, link)
      yield* store.received(link, work.written(after), clock.currentTimeMillisUnsafe())
      yield* buggify.pass("delivery.handled-before-commit")
      const calm = !batch.adopts && !before.restarted && before.held.length === 0 && !work.isHolding
      return {
        progress: { stream: batch.stream, upTo: work.position, answers: work.answers },
        repeated: batch.duplicates > 0,
        next: calm ? { stream: batch.stream, position: work.position } : undefined,
        messages: Number(work.position - batch.position) + batch.fresh.length,
        millis: monotonic(clock) - startedAt
      }
    })

    /** As one transaction. What is known of the stream is only used if nothing goes wrong. */
    const once = (frames: ReadonlyArray<Data>, mode: Mode, guilty?: MessageId) =>
      Effect.onError(transactions.within(run(frames, mode, guilty)), () =>
        Effect.sync(() => {
          known = undefined
        })
      )
    const attempt = (frames: ReadonlyArray<Data>, mode: Mode, guilty?: MessageId) =>
      Effect.suspend(() => {
        const trusting = known !== undefined
        return Effect.catchIf(
          once(frames, mode, guilty),
          (error: Failure) => trusting && error._tag === "LinkFenced",
          () => once(frames, mode, guilty)
        )
      })

    /**
     * What came again has been answered before, possibly in a transaction of whose commit we never heard: its answers
     * are those that were kept then.
     */
    const answerAgain = Effect.fnUntraced(function* (first: bigint, { stream, upTo }: Progress) {
      const { answers } = yield* store.positions(link)
      const progress: Progress = { stream, upTo, answers: answers.filter(({ seq }) => seq >= first && seq <= upTo) }
      return progress
    })

    const mode = (): Mode => (buggify.fires("delivery.handled-one-by-one") ? "one-by-one" : "together")

    const both = (frames: ReadonlyArray<Data>, guilty?: MessageId) =>
      attempt(frames, mode(), guilty).pipe(
        Effect.catchTags({
          NotPlain: () => attempt(frames, "one-by-one", guilty),
          // A handler that goes on after a statement has failed leaves the transaction of all of them useless.
          SqlError: (error) => (mayPass(error) ? Effect.fail(error) : attempt(frames, "one-by-one", guilty))
        }),
        Effect.catchTag("NotPlain", (impossible) => Effect.die(impossible))
      )

    /** Names what it handles. One of all links at a time: if the process ends, it was that one or none. */
    const carefully = (frames: ReadonlyArray<Data>) =>
      turn.withPermit(
        Effect.gen(function* () {
          carefulUpTo ??= lastOf(frames)
          const guilty = yield* accuse(frames)
          const startedAt = monotonic(clock)
          const done = yield* Effect.onInterrupt(both(frames, guilty), () =>
            Effect.sync(() => {
              if (monotonic(clock) - startedAt >= config.receiptTimeout) suspects.hung(link.peer)
            })
          )
          careful = done.progress.upTo < carefulUpTo
          return done
        })
      )

    return Effect.fnUntraced(
      function* (frames) {
        if (isFirst) suspects.busy(link.peer)
        isFirst = false
        const { messages, millis, next, progress, repeated } = yield* careful ? carefully(frames) : both(frames)
        suspects.cleared(link.peer)
        known = next
        meter.received(messages, millis)
        return repeated ? yield* answerAgain(frames[0]!.first, progress) : progress
      },
      // Once a batch: the contexts are copied to be merged, which costs more than a small handler.
      Effect.provide(context)
    )
  }

  const intake: Intake = { open }
  return intake
})

const lastOf = (frames: ReadonlyArray<Data>): bigint => {
  const last = frames.at(-1)
  return last === undefined ? 0n : last.first + BigInt(last.items.length) - 1n
}

const killed = "the process ended whenever it handled this message"
const nothing: ReadonlySet<MessageId> = new Set()
const undisturbed = { restarted: false, held: [] }
