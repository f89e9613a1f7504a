/**
 * What a receipt does at the sender: finished messages go, their protocols learn the outcome, and `Later` ones get a
 * new time, all in one transaction (docs/PROTOCOL.md, 7.2).
 */
import { Cause, Clock, Effect, Exit, Random, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import type { SqlError } from "effect/sql/SqlError"
import * as Backoff from "../../protocol/Backoff.ts"
import type { Resume } from "../../protocol/delivery/DeliveryFrame.ts"
import type { Answer } from "../../protocol/delivery/Message.ts"
import { Identity } from "../link/Identity.ts"
import type { Resumption, Sending } from "../../protocol/delivery/Sequence.ts"
import { monotonic } from "../Monotonic.ts"
import { Transactions } from "../Transactions.ts"
import { AttentionStore } from "./AttentionStore.ts"
import { DeliveryConfig } from "./DeliveryConfig.ts"
import { DeliveryMeter } from "./DeliveryMeter.ts"
import { Feed } from "./Feed.ts"
import { mayPass } from "./Persist.ts"
import { describe, type Handled } from "./Protocol.ts"
import { type Link, type LinkFenced, RetryStore, type Settled } from "./RetryStore.ts"

/** However late a peer asks for, a message is offered again within a day. */
const longestLater = 86_400_000

export interface Receipted {
  readonly upTo: bigint
  readonly answers: ReadonlyArray<Answer>
}

export interface Settlement {
  /**
   * Everything up to `upTo` has been handled by the peer. Returns whether that is on the disk: where nobody learns
   * anything from it, it need not be before the next forced commit.
   */
  readonly settle: (link: Link, receipt: Receipted) => Effect.Effect<boolean, SqlError | LinkFenced>
  /**
   * One of the two databases is older than the other remembers: a new stream takes the place of `old`, with all that is
   * owed and what the state requires. Does nothing if that has happened already.
   */
  readonly restart: (
    link: Link,
    old: Sending,
    resumption: Exclude<Resumption, { _tag: "Continue" }>,
    theirs: Resume
  ) => Effect.Effect<void, SqlError | LinkFenced>
}

/** A protocol could not take in what became of its message. */
class Unconcluded extends Schema.TaggedError<Unconcluded>()("Unconcluded", {}) {}

type Mode = "together" | "one-by-one"

export const make = Effect.fnUntraced(function* <R>(protocols: ReadonlyMap<string, Handled<R>>) {
  const identity = yield* Identity
  const store = yield* RetryStore
  const transactions = yield* Transactions
  const feed = yield* Feed
  const attention = yield* AttentionStore
  const meter = yield* DeliveryMeter
  const clock = yield* Clock.Clock
  const random = yield* SecureRandom.SecureRandom
  const config = yield* DeliveryConfig
  const context = yield* Effect.context<R>()
  const listening = [...protocols.values()].filter((protocol) => protocol.onOutcome !== undefined)
  const bodies = listening.map((protocol) => protocol.name)

  const append = (link: Link, { id, protocol, subject }: Settled, kind: string, more: object) =>
    feed.append([{ audience: "", protocol, subject, kind, body: { peer: link.peer, id, ...more } }])

  const tell = (link: Link, { body, id, outcome, protocol }: Settled): Effect.Effect<void, SqlError> =>
    Effect.provide(protocols.get(protocol)?.onOutcome?.(body, outcome, { peer: link.peer, id }) ?? Effect.void, context)

  /** Behind a savepoint. A protocol that fails every time must not stop the link: the operator hears of it. */
  const tellAlone = Effect.fnUntraced(function* (link: Link, message: Settled) {
    for (let attempt = 1; ; attempt++) {
      const exit = yield* Effect.exit(transactions.within(tell(link, message)))
      if (Exit.isSuccess(exit)) return
      const error = Cause.findErrorOption(exit.cause)
      if (Cause.hasInterrupts(exit.cause) || (error._tag === "Some" && mayPass(error.value))) return yield* exit
      if (attempt < config.poisonAttempts) continue
      yield* Effect.logError("A protocol cannot take in an outcome", exit.cause).pipe(
        Effect.annotateLogs({ message: message.id, protocol: message.protocol })
      )
      const { dueAt: _dueAt, outcome, ...rest } = message
      // What is offered again ends later, of which its protocol hears then.
      if (outcome._tag !== "Later") {
        const at = clock.currentTimeMillisUnsafe()
        yield* attention.keep({ ...rest, peer: link.peer, end: { _tag: "Settled", outcome }, at })
      }
      return yield* append(link, message, "message.outcome-failed", { outcome: describe(outcome) })
    }
  })

  /** Tells the protocol, and the feed if the outcome is one that somebody may have to look at. */
  const conclude = Effect.fnUntraced(function* (link: Link, message: Settled, mode: Mode) {
    if (mode === "one-by-one") yield* tellAlone(link, message)
    else {
      yield* tell(link, message).pipe(
        Effect.mapError((error): SqlError | Unconcluded => (mayPass(error) ? error : new Unconcluded())),
        Effect.catchDefect(() => new Unconcluded())
      )
    }
    const { dueAt = null, outcome } = message
    // Those that wait behind another are as many as the peer likes: the one in front of them says it all.
    if (outcome._tag === "Ok" || (outcome._tag === "Later" && outcome.behind !== undefined)) return
    yield* append(link, message, `message.${outcome._tag.toLowerCase()}`, { outcome: describe(outcome), dueAt })
  })

  const settle = Effect.fnUntraced(function* (link: Link, receipt: Receipted, mode: Mode) {
    const now = clock.currentTimeMillisUnsafe()
    const jitter = yield* Random.next
    const wait = (putOff: number, retryAfterMillis: number) =>
      Math.min(retryAfterMillis, longestLater) + Backoff.delay(Backoff.redeliver, Math.max(0, putOff - 1), jitter)
    const settled = yield* store.settle(link, receipt, { now, bodies, wait })
    for (const message of settled) yield* conclude(link, message, mode)
    return true
  })

  /** Nobody has to be told: one statement, which is its own transaction. */
  const settlePlain = (link: Link, receipt: Receipted) =>
    Effect.as(store.settle(link, receipt, { now: clock.currentTimeMillisUnsafe(), bodies, wait: () => 0 }), false)

  /** What the protocols' state still requires towards the peer, as new messages. */
  const pending = Effect.fnUntraced(function* (link: Link) {
    for (const protocol of protocols.values()) {
      const required = yield* Effect.provide(protocol.pending(link.peer), context)
      if (required.length === 0) continue
      const messages = yield* Effect.forEach(required, (prepared) =>
        Effect.map(random.uuidV7(), (id) => ({ ...prepared, id, peer: link.peer, protocol: protocol.name }))
      )
      yield* store.enqueue(messages, clock.currentTimeMillisUnsafe())
    }
  })

  const restart = Effect.fnUntraced(function* (
    link: Link,
    old: Sending,
    resumption: Exclude<Resumption, { _tag: "Continue" }>,
    theirs: Resume
  ) {
    const { sending } = yield* store.positions(link)
    if (sending.stream !== old.stream) return
    yield* store.restart(link, yield* random.uuidV4(), resumption.position)
    yield* pending(link)
    if (resumption._tag === "SelfRestored")
      yield* Effect.forEach(protocols.values(), (protocol) => Effect.provide(protocol.onRestored, context), {
        discard: true
      })
    const older = resumption._tag === "PeerRestored" ? link.peer : identity.key
    const body = {
      peer: link.peer,
      older,
      position: String(resumption.position),
      received: String(theirs.received.position)
    }
    yield* feed.append([{ audience: "", protocol: "", subject: link.peer, kind: "link.restored", body }])
    yield* Effect.logWarning("A database was restored from an older state, starting a new stream").pipe(
      Effect.annotateLogs(body)
    )
  })

  const settleAndTell = (link: Link, receipt: Receipted) =>
    transactions.within(settle(link, receipt, "together")).pipe(
      Effect.catchTags({
        Unconcluded: () => transactions.within(settle(link, receipt, "one-by-one")),
        // Who goes on after a statement has failed leaves the transaction of all of them useless.
        SqlError: (error) =>
          mayPass(error) ? Effect.fail(error) : transactions.within(settle(link, receipt, "one-by-one"))
      }),
      Effect.catchTag("Unconcluded", (impossible) => Effect.die(impossible))
    )

  const settlement: Settlement = {
    settle: Effect.fnUntraced(function* (link, receipt) {
      const begun = monotonic(clock)
      const plain = bodies.length === 0 && receipt.answers.every(({ outcome }) => outcome._tag === "Ok")
      const forced = yield* plain ? settlePlain(link, receipt) : settleAndTell(link, receipt)
      meter.settled(monotonic(clock) - begun)
      return forced
    }),
    restart: (link, old, resumption, theirs) => transactions.within(restart(link, old, resumption, theirs))
  }
  return settlement
})
