/**
 * A protocol as a value: which messages there are and what each does. Reliability, order, retries, encryption and the
 * simulator come with it.
 *
 * `handle` runs inside the transaction that records the receipt: what it writes and sends, and the fact of having
 * received, are one. It does database work only, and may run more than once for a message whose transaction failed.
 */
import { Duration, Effect, Result, Schema } from "effect"
import { Hex } from "effect/encoding"
import type { SqlError } from "effect/sql/SqlError"
import { codec } from "../../protocol/Cbor.ts"
import { maxName, maxState, type MessageId, Outcome } from "../../protocol/delivery/Message.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Examination } from "./ProtocolAudit.ts"
import { type OnTimer, type Timed, timerHandling } from "./TimerHandling.ts"

/**
 * A handler fails with this when a message has no effect, and says what the sender shall do. Nothing of what the
 * handler wrote for the message remains.
 */
export class Rejected extends Schema.TaggedError<Rejected>()("Rejected", { outcome: Outcome }) {
  override get message(): string {
    return `message not accepted: ${describe(this.outcome)}`
  }
  /** It will never be accepted. `reason` is a short name for programs, `detail` a sentence for people. */
  static refused(reason: string, detail = ""): Rejected {
    return new Rejected({ outcome: { _tag: "Refused", reason: reason.slice(0, 64), detail: detail.slice(0, 1_024) } })
  }
  /**
   * It does not fit the state here, which is at `revision`. `state` is a digest of that state, at most 256 bytes: a
   * longer one is a defect, as half of a digest would mislead the sender.
   */
  static stale(revision: string, state?: Uint8Array): Rejected {
    if (state !== undefined && state.length > maxState) {
      throw new RangeError(`a digest of ${state.length} bytes, ${maxState} are allowed: give a hash of the state`)
    }
    const at = { _tag: "Stale", revision: revision.slice(0, 128) } as const
    return new Rejected({ outcome: state === undefined ? at : { ...at, state } })
  }
  /** Offer it again; the messages behind it in its subject wait for it. */
  static later(after: Duration.Input): Rejected {
    return new Rejected({
      outcome: { _tag: "Later", retryAfterMillis: Duration.toMillis(Duration.fromInputUnsafe(after)) }
    })
  }
}

/**
 * What a handler succeeds with whose message is refused or stale and has an effect all the same, such as evidence that is kept: the
 * sender is told the outcome, and what the handler wrote remains.
 */
export class Nevertheless {
  readonly outcome: Outcome
  /** Of `Rejected.refused` or `Rejected.stale`. Of `later` it is a defect, as the message would come again. */
  constructor({ outcome }: Rejected) {
    if (outcome._tag === "Later") throw new TypeError("a message that has had its effect cannot be put off")
    this.outcome = outcome
  }
}

/** The most messages that a protocol handles together before the time is looked at. */
const mostMessages = 512

/** As much of a digest as people compare. */
const digest = (state: Uint8Array | undefined): string =>
  state === undefined ? "" : `, state ${Hex.encode(state.subarray(0, 8))}${state.length > 8 ? "..." : ""}`

/** One line about an outcome, for people. */
export const describe = (outcome: Outcome): string => {
  switch (outcome._tag) {
    case "Ok":
      return "ok"
    case "Stale":
      return `stale: the receiver is at revision ${outcome.revision}${digest(outcome.state)}`
    case "Refused":
      return `refused: ${outcome.reason}${outcome.detail === "" ? "" : ` (${outcome.detail})`}`
    case "Later":
      return outcome.behind === undefined ? "later" : `later, behind ${outcome.behind}`
  }
}

/** Who sent a message, and which one it is: the same id however often it comes. */
export interface Origin {
  readonly peer: NodeKey
  readonly id: MessageId
}

/** A message that came, and from whom. */
export interface Received<A> {
  readonly message: A
  readonly from: Origin
}

/** Whom a message is about to be offered to. `attempts` counts its numbers; under one it may be sent again and again. */
export interface Addressee extends Origin {
  readonly attempts: number
}

/** A message whose time was over. It was never offered, or may have taken effect. */
export interface Expiry extends Origin {
  readonly outcome: "cancelled" | "unknown"
}

/** Something that waits for somebody, as the protocol's state says now. */
export interface Concern {
  /** Whom it is for, such as a user's id; empty for the node's operator. At most 256 characters. */
  readonly audience: string
  /** What it is about, at most 256 characters. */
  readonly subject: string
  /** A short name for programs, at most 64 characters. */
  readonly kind: string
  /** A sentence for people, at most 1,024 characters. */
  readonly detail: string
  /** Milliseconds since 1970. */
  readonly since: number
}

export interface Definition<A, R> {
  /** Messages of one subject take effect in the order in which they were sent; all of them are one subject by default. */
  readonly subject?: (message: A) => string
  /** Success is the outcome `Ok`, unless it is a `Nevertheless`. */
  readonly handle: (message: A, from: Origin) => Effect.Effect<void | Nevertheless, Rejected | SqlError, R>
  /**
   * Handles messages that came one behind the other at once, with the same effect as `handle` on each in turn: with one
   * statement for all of them, say. Where it fails nothing of it remains, and each is handled alone.
   */
  readonly handleAll?: (messages: ReadonlyArray<Received<A>>) => Effect.Effect<void, Rejected | SqlError, R>
  /** How many messages `handleAll` is given at the most, 512 unless said: they are handled before the time is looked at. */
  readonly mostTogether?: number
  /** Runs at the sender, in the transaction that settles the message. */
  readonly onOutcome?: (message: A, outcome: Outcome, to: Origin) => Effect.Effect<void, SqlError, R>
  /**
   * Asked before a message is offered, whether for the first time or again: `false` takes it back, and its peer gets an
   * empty number at the most. A question that fails counts as `true`. It does database work only, in the transaction
   * that takes back what is no longer necessary.
   */
  readonly isStillNecessary?: (message: A, to: Addressee) => Effect.Effect<boolean, SqlError, R>
  /** Runs at the sender, in the transaction that takes back a message whose time is over. */
  readonly onExpired?: (message: A, what: Expiry) => Effect.Effect<void, SqlError, R>
  /**
   * What waits for a user or for the operator, from the state and never from messages: a node asks at its start, when
   * somebody looks at the list, and for readers of the feed who have missed events. At most 1,000 are taken.
   */
  readonly attention?: Effect.Effect<ReadonlyArray<Concern>, SqlError, R>
  /**
   * What the state still requires towards a peer, asked after one of the two databases was restored from a backup.
   * Besides what is still owed, which is sent again by itself: a message that comes twice that way has two ids, so the
   * handler must see from its own state that it is done.
   */
  readonly pending?: (peer: NodeKey) => Effect.Effect<ReadonlyArray<A>, SqlError, R>
  /**
   * This node's own database was restored from a backup, as a peer has just shown: it has forgotten what it has said since then. In the
   * transaction that begins the new stream, before anything else of that peer is handled; again with every peer that shows it.
   */
  readonly onRestored?: Effect.Effect<void, SqlError, R>
  /** What must not be in its state, for the audit of the node: see `ProtocolAudit`. */
  readonly audit?: ReadonlyArray<Examination<R>>
}

/** The receiving half of a protocol, its message type hidden: what a node keeps of every protocol it runs. */
export interface Handled<R> {
  readonly name: string
  readonly handle: (body: Uint8Array, from: Origin) => Effect.Effect<void | Nevertheless, Rejected | SqlError, R>
  /** `undefined` if it handles one after the other. */
  readonly handleAll:
    | ((received: ReadonlyArray<Received<Uint8Array>>) => Effect.Effect<void, Rejected | SqlError, R>)
    | undefined
  /** Messages that are handled together, at most; 0 if it handles one after the other. */
  readonly mostTogether: number
  readonly onOutcome: ((body: Uint8Array, outcome: Outcome, to: Origin) => Effect.Effect<void, SqlError, R>) | undefined
  /** `undefined` if it always is. */
  readonly isStillNecessary: ((body: Uint8Array, to: Addressee) => Effect.Effect<boolean, SqlError, R>) | undefined
  readonly onExpired: ((body: Uint8Array, what: Expiry) => Effect.Effect<void, SqlError, R>) | undefined
  readonly attention: Effect.Effect<ReadonlyArray<Concern>, SqlError, R> | undefined
  readonly onTimer: OnTimer<R> | undefined
  readonly pending: (peer: NodeKey) => Effect.Effect<ReadonlyArray<Prepared>, SqlError, R>
  readonly onRestored: Effect.Effect<void, SqlError, R>
  readonly audit: ReadonlyArray<Examination<R>>
}

/** A message ready to be stored. */
export interface Prepared {
  readonly subject: string
  readonly body: Uint8Array
}

export interface Protocol<Name extends string, A, R, T = never> {
  readonly name: Name
  readonly prepare: (message: A) => Prepared
  /** What a timer with this payload keeps. */
  readonly prepareTimer: (payload: T) => Uint8Array
  readonly handled: Handled<R>
}

/**
 * Makes a protocol. `name` is what peers know it by: 1 to 64 of `a-z 0-9 - .`, never reused for other messages.
 */
export const make = <const Name extends string, A, I, R = never, T = never, J = never>(
  name: Name,
  definition: { readonly messages: Schema.Codec<A, I> } & Definition<A, R> & Timed<T, J, R>
): Protocol<Name, A, R, T> => {
  if (!/^[a-z0-9][a-z0-9.-]*$/.test(name) || name.length > maxName) {
    throw new RangeError(`"${name}" is not a protocol name: 1 to ${maxName} of a-z, 0-9, "-" and "."`)
  }
  const { encode, decode } = codec(`a message of "${name}"`, definition.messages)
  const {
    attention,
    audit = [],
    handle,
    handleAll,
    mostTogether = mostMessages,
    isStillNecessary,
    onExpired,
    onOutcome,
    onRestored = Effect.void,
    pending,
    subject
  } = definition
  const { onTimer, prepareTimer } = timerHandling(name, definition)
  const prepare = (message: A): Prepared => ({ subject: subject?.(message) ?? "", body: encode(message) })
  const decodeAll = (received: ReadonlyArray<Received<Uint8Array>>) => {
    const messages: Array<Received<A>> = []
    for (const { from, message: body } of received) {
      const message = decode(body)
      if (Result.isFailure(message)) return Result.fail(Rejected.refused("malformed", message.failure.message))
      messages.push({ message: message.success, from })
    }
    return Result.succeed(messages)
  }
  return {
    name,
    prepare,
    prepareTimer,
    handled: {
      name,
      handle: (body, from) => {
        const message = decode(body)
        return Result.isSuccess(message)
          ? handle(message.success, from)
          : Effect.fail(Rejected.refused("malformed", message.failure.message))
      },
      handleAll:
        handleAll === undefined
          ? undefined
          : (received) => Effect.flatMap(Effect.fromResult(decodeAll(received)), handleAll),
      mostTogether: handleAll === undefined ? 0 : Math.min(mostTogether, mostMessages),
      onOutcome:
        onOutcome === undefined
          ? undefined
          : (body, outcome, to) => {
              const message = decode(body)
              // A body that this node no longer understands was sent by an older version of itself: nobody waits for it.
              return Result.isSuccess(message) ? onOutcome(message.success, outcome, to) : Effect.void
            },
      isStillNecessary:
        isStillNecessary === undefined
          ? undefined
          : (body, to) => {
              const message = decode(body)
              // The peer may understand what an older version of this node has sent: let it decide.
              return Result.isSuccess(message) ? isStillNecessary(message.success, to) : Effect.succeed(true)
            },
      onExpired:
        onExpired === undefined
          ? undefined
          : (body, what) => {
              const message = decode(body)
              return Result.isSuccess(message) ? onExpired(message.success, what) : Effect.void
            },
      attention,
      audit,
      onTimer,
      onRestored,
      pending: (peer) =>
        pending === undefined ? Effect.succeed([]) : Effect.map(pending(peer), (all) => all.map(prepare))
    }
  }
}
