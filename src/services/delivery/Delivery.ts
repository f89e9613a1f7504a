/**
 * Sending what must arrive: a message exists if and only if the transaction that sent it commits, and from then on it
 * is offered to its peer until the peer's receipt, across crashes, restarts and partitions (docs/PROTOCOL.md, 7).
 */
import { Clock, Context, Duration, Effect, Layer, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import type { SqlError } from "effect/sql/SqlError"
import { maxBody, maxSubject, type MessageId, type Outgoing } from "../../protocol/delivery/Message.ts"
import { NodeKey } from "../../protocol/NodeKey.ts"
import { Identity } from "../link/Identity.ts"
import { Transactions } from "../Transactions.ts"
import * as Groups from "./Groups.ts"
import * as MessageIds from "./MessageIds.ts"
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

const insideTransaction =
  "Delivery.sendNow was called inside a transaction, whose end it does not wait for: use Delivery.send there"

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
    /** `send` of many messages to one peer, in their order: all of them or, if one is invalid, none. */
    readonly sendAll: <A, R>(
      peer: NodeKey,
      protocol: Protocol<string, A, R>,
      messages: ReadonlyArray<A>,
      options?: SendOptions
    ) => Effect.Effect<ReadonlyArray<MessageId>, MessageInvalid | SqlError>
    /**
     * Sends in a transaction of its own that concurrent callers share, and returns once that is durable. While the
     * database is away it waits, as others do who have come later; whoever is interrupted before their turn has sent
     * nothing. Must not be called inside a transaction.
     */
    readonly sendNow: <A, R>(
      peer: NodeKey,
      protocol: Protocol<string, A, R>,
      message: A,
      options?: SendOptions
    ) => Effect.Effect<MessageId, MessageInvalid | SqlError>
    /**
     * Which of these subjects of a protocol have a message to the peer that has no receipt yet, within the caller's transaction: what is said again
     * only has to be said again where none has. It costs what looking through all that is owed to the peer does.
     */
    readonly waiting: (
      peer: NodeKey,
      protocol: string,
      subjects: ReadonlyArray<string>
    ) => Effect.Effect<ReadonlySet<string>, SqlError>
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
  const nextId = yield* MessageIds.make
  const transactions = yield* Transactions
  const wakes = yield* Wakes
  const clock = yield* Clock.Clock
  const submit = yield* Groups.make

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
    const within = options?.within === undefined ? Number.POSITIVE_INFINITY : Duration.toMillis(options.within)
    const deadline = Number.isFinite(within) ? Math.ceil(clock.currentTimeMillisUnsafe() + within) : undefined
    const outgoing: Outgoing = { id: yield* nextId(), peer, protocol: protocol.name, subject, body, deadline }
    return outgoing
  })

  const enqueue = Effect.fnUntraced(function* (messages: ReadonlyArray<Outgoing>) {
    const woken = yield* store.enqueue(messages, clock.currentTimeMillisUnsafe())
    if (woken.length > 0) yield* transactions.afterCommit(Effect.forEach(woken, wakes.wake, { discard: true }))
  })

  return Delivery.of({
    cancel: Effect.fn("Delivery.cancel")(function* (id: MessageId) {
      const taken = yield* store.cancel(id)
      // What waited behind it can go.
      if (taken !== undefined) yield* transactions.afterCommit(wakes.wake(taken.peer))
      return taken?.outcome
    }),
    waiting: store.waiting,
    send: Effect.fn("Delivery.send")(function* (peer, protocol, message, options) {
      const outgoing = yield* prepare(peer, protocol, message, options)
      yield* enqueue([outgoing])
      return outgoing.id
    }),
    sendAll: Effect.fn("Delivery.sendAll")(function* (peer, protocol, messages, options) {
      const all: Array<Outgoing> = []
      for (const message of messages) all.push(yield* prepare(peer, protocol, message, options))
      yield* enqueue(all)
      return all.map(({ id }) => id)
    }),
    sendNow: Effect.fn("Delivery.sendNow")(function* (peer, protocol, message, options) {
      if (yield* transactions.isOpen) return yield* Effect.die(new Error(insideTransaction))
      const outgoing = yield* prepare(peer, protocol, message, options)
      yield* submit(outgoing)
      return outgoing.id
    })
  })
})
