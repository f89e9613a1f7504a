/**
 * Sending what must arrive: a message exists if and only if the transaction that sent it commits, and from then on it
 * is offered to its peer until the peer's receipt, across crashes, restarts and partitions (docs/PROTOCOL.md, 7).
 */
import { Clock, Context, Deferred, Duration, Effect, Exit, Layer, Queue, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import type { SqlError } from "effect/sql/SqlError"
import { maxBody, maxSubject, type MessageId, type Outgoing } from "../../protocol/delivery/Message.ts"
import { NodeKey } from "../../protocol/NodeKey.ts"
import { Buggify } from "../Buggify.ts"
import { Identity } from "../link/Identity.ts"
import { monotonic } from "../Monotonic.ts"
import { Transactions } from "../Transactions.ts"
import { DeliveryMeter } from "./DeliveryMeter.ts"
import type { Protocol } from "./Protocol.ts"
import { RetryStore } from "./RetryStore.ts"
import { Wakes } from "./Wakes.ts"

/** A message that cannot be sent as it is. Nothing was stored. */
export class MessageInvalid extends Schema.TaggedError<MessageInvalid>()("MessageInvalid", {
  peer: NodeKey,
  protocol: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `a message of "${this.protocol}" cannot be sent: ${this.problem}`
  }
}

export interface SendOptions {
  /** After this long the message is taken back if it has not been receipted; for ever by default. */
  readonly within?: Duration.Input | undefined
}

/** Senders that share one commit at the most, and those that wait for theirs. */
const groupLimit = 256
const waitingLimit = 4_096

const insideTransaction =
  "Delivery.sendNow was called inside a transaction, whose end it does not wait for: use Delivery.send there"

interface Request {
  readonly outgoing: Outgoing
  readonly done: Deferred.Deferred<MessageId, SqlError>
}

export class Delivery extends Context.Service<
  Delivery,
  {
    /** Sends within the caller's transaction (`Transactions.within`, or the `withTransaction` of its SqlClient). */
    readonly send: <A, R>(
      peer: NodeKey,
      protocol: Protocol<string, A, R>,
      message: A,
      options?: SendOptions
    ) => Effect.Effect<MessageId, MessageInvalid | SqlError>
    /**
     * Sends in a transaction of its own that concurrent callers share, and returns once that is durable. Must not be
     * called inside a transaction.
     */
    readonly sendNow: <A, R>(
      peer: NodeKey,
      protocol: Protocol<string, A, R>,
      message: A,
      options?: SendOptions
    ) => Effect.Effect<MessageId, MessageInvalid | SqlError>
    /**
     * Takes a message back within the caller's transaction, which is where it became unnecessary. `cancelled`: its peer
     * will never handle it; `unknown`: it has been offered, and may have taken effect; `undefined`: it is owed no more.
     */
    readonly cancel: (id: MessageId) => Effect.Effect<"cancelled" | "unknown" | undefined, SqlError>
  }
>()("holdfast/services/delivery/Delivery") {
  static readonly layer: Layer.Layer<
    Delivery,
    never,
    Identity | RetryStore | SecureRandom.SecureRandom | Transactions | Wakes
  > = Layer.effect(
    Delivery,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const identity = yield* Identity
  const store = yield* RetryStore
  const random = yield* SecureRandom.SecureRandom
  const transactions = yield* Transactions
  const wakes = yield* Wakes
  const buggify = yield* Buggify
  const meter = yield* DeliveryMeter
  const clock = yield* Clock.Clock
  const requests = yield* Queue.bounded<Request>(waitingLimit)

  const problemOf = (peer: NodeKey, subject: string, body: Uint8Array): string | undefined => {
    if (peer === identity.key) return "the peer is this node itself"
    if (body.length > maxBody) return `its body has ${body.length} bytes, ${maxBody} are allowed`
    if (subject.includes("\0")) return "its subject contains NUL"
    if (subject.length > maxSubject) return `its subject has ${subject.length} characters, ${maxSubject} are allowed`
    return undefined
  }

  const prepare = Effect.fnUntraced(function* <A, R>(
    peer: NodeKey,
    protocol: Protocol<string, A, R>,
    message: A,
    options: SendOptions | undefined
  ) {
    const { body, subject } = protocol.prepare(message)
    const problem = problemOf(peer, subject, body)
    if (problem !== undefined) return yield* new MessageInvalid({ peer, protocol: protocol.name, problem })
    const deadline =
      options?.within === undefined
        ? undefined
        : clock.currentTimeMillisUnsafe() + Duration.toMillis(Duration.fromInputUnsafe(options.within))
    const outgoing: Outgoing = { id: yield* random.uuidV7(), peer, protocol: protocol.name, subject, body, deadline }
    return outgoing
  })

  const enqueue = Effect.fnUntraced(function* (messages: ReadonlyArray<Outgoing>) {
    yield* store.enqueue(messages, clock.currentTimeMillisUnsafe())
    const peers = [...new Set(messages.map((message) => message.peer))]
    yield* transactions.afterCommit(Effect.forEach(peers, wakes.wake, { discard: true }))
  })

  /** Writes what has gathered as one transaction. A failure is everybody's. */
  const writeGroup = Effect.gen(function* () {
    const group = yield* Queue.takeBetween(requests, 1, buggify.fires("delivery.group-of-one") ? 1 : groupLimit)
    const begun = monotonic(clock)
    const exit = yield* Effect.exit(transactions.within(enqueue(group.map((request) => request.outgoing))))
    if (Exit.isSuccess(exit)) meter.groupSent(group.length, monotonic(clock) - begun)
    for (const { done, outgoing } of group) {
      yield* Deferred.done(
        done,
        Exit.map(exit, () => outgoing.id)
      )
    }
  })
  yield* Effect.forever(writeGroup).pipe(
    Effect.tapCause((cause) => Effect.logError("The writer of grouped messages failed", cause)),
    Effect.forkScoped
  )

  return Delivery.of({
    cancel: store.cancel,
    send: Effect.fn("Delivery.send")(function* (peer, protocol, message, options) {
      const outgoing = yield* prepare(peer, protocol, message, options)
      yield* enqueue([outgoing])
      return outgoing.id
    }),
    sendNow: Effect.fn("Delivery.sendNow")(function* (peer, protocol, message, options) {
      if (yield* transactions.isOpen) return yield* Effect.die(new Error(insideTransaction))
      const outgoing = yield* prepare(peer, protocol, message, options)
      const done = yield* Deferred.make<MessageId, SqlError>()
      yield* Queue.offer(requests, { outgoing, done })
      return yield* Deferred.await(done)
    })
  })
})
