/**
 * What must still happen, and what has: outgoing messages until their receipt, the position of every stream, answers
 * until the peer has them, ids already applied (docs/PROTOCOL.md, 7).
 *
 * The store keeps; it decides nothing. Every write on behalf of a link names the link's epoch and fails with
 * `LinkFenced` once another owner has raised it. Methods marked "joins" take part in the caller's transaction
 * (`Transactions.within`) and are one of their own otherwise. Times are milliseconds since 1970.
 */
import { Context, type Effect, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Answer, MessageId, Numbered, Outcome, Outgoing } from "../../protocol/delivery/Message.ts"
import type { Receiving, Sending, Window } from "../../protocol/delivery/Sequence.ts"
import { NodeKey } from "../../protocol/NodeKey.ts"

/** The right to write for one peer, until somebody raises the epoch. */
export interface Link {
  readonly peer: NodeKey
  readonly epoch: bigint
}

/** A link that was just taken over. */
export interface Claimed extends Link {
  /** How often it was claimed before without any message having been handled since. */
  readonly fruitless: number
  /** The message that somebody was about to handle alone, and did not finish. */
  readonly suspect: MessageId | undefined
  /** How many claims in a row that message was named by; 0 if there is none. */
  readonly accused: number
}

/** Another process has taken the link over; whatever this one still wanted to write is void. */
export class LinkFenced extends Schema.TaggedError<LinkFenced>()("LinkFenced", {
  peer: NodeKey,
  epoch: Schema.BigInt
}) {
  override get message(): string {
    return this.epoch === 0n
      ? `the link to ${this.peer} cannot be claimed: another process owns the node`
      : `the link to ${this.peer} belongs to another process now (epoch ${this.epoch} is over)`
  }
}

/** A message that was settled, with what its sender needs to learn from the outcome. */
export interface Settled {
  readonly id: MessageId
  readonly protocol: string
  readonly subject: string
  /** Empty unless the protocol was named in `bodies` or the outcome is not `Ok`. */
  readonly body: Uint8Array
  readonly outcome: Outcome
  /** When it is offered again; `Later` only. */
  readonly dueAt?: number | undefined
}

/** One message that is still owed, as an operator sees it. */
export interface Owed {
  readonly id: MessageId
  readonly peer: NodeKey
  readonly protocol: string
  readonly subject: string
  readonly bytes: number
  readonly createdAt: number
  readonly dueAt: number
  readonly deadline: number | undefined
  /** Present once the message has a number in the stream. */
  readonly seq: bigint | undefined
  /** How often it has had a number, also behind another message of its subject or in a stream that is over. */
  readonly attempts: number
  /** The last answer that was not final, if any, as text. */
  readonly lastOutcome: string | undefined
  /** Taken back after it had a number: only its number is still owed. */
  readonly void: boolean
}

/** A message that was taken back. */
export interface TakenBack {
  readonly peer: NodeKey
  /** `unknown` if it may have taken effect. */
  readonly outcome: "cancelled" | "unknown"
}

/** A message that was taken back because its time was over. */
export interface Expired extends Owed {
  /** `unknown` if it may have taken effect, as when a change of stream has taken its number back. */
  readonly outcome: "cancelled" | "unknown"
  /** Empty unless the protocol was named in `bodies`. */
  readonly body: Uint8Array
}

/** Totals of one link. */
export interface LinkTotals {
  readonly peer: NodeKey
  readonly owed: number
  readonly oldestCreatedAt: number | undefined
  readonly receipted: bigint
  readonly received: bigint
  /** Messages that arrived again and changed nothing. */
  readonly duplicates: bigint
}

/** Ids that wait at the receiver, oldest first: the head of a subject must be handled before the rest of it. */
export interface Held {
  readonly protocol: string
  readonly subject: string
  readonly id: MessageId
  /** The number under which it was answered `Later`, the last time. */
  readonly seq: bigint
}

/** What the receive transaction writes once the handlers have run. */
export interface ReceivedBatch {
  /**
   * Where the stream stands, if the caller knows it without having asked `receiving` in this transaction; then nothing
   * is written, and the link counts as fenced, unless that is so and nothing is on hold.
   */
  readonly after?: { readonly stream: string; readonly position: bigint } | undefined
  readonly stream: string
  readonly adopts: boolean
  /** The new position. */
  readonly position: bigint
  /** Ids whose effect is now in the database, in order. */
  readonly applied: ReadonlyArray<MessageId>
  readonly answers: ReadonlyArray<Answer & { readonly id: MessageId }>
  readonly duplicates: number
  /**
   * Ids that have to wait from now on, or still do under another number, each once; and ids that no longer do. A link
   * keeps 10,000 at most, which is more than a sender that keeps to `Sequence.maxAhead` can make it keep.
   */
  readonly held: ReadonlyArray<Held>
  readonly released: ReadonlyArray<MessageId>
  /** The peer has our answers up to here: they need not be kept. */
  readonly seen: bigint
}

export class RetryStore extends Context.Service<
  RetryStore,
  {
    /** A random UUID made with the database; a copy of it keeps it. */
    readonly databaseId: string
    /** How often a node has started on this database, this time included. */
    readonly incarnation: bigint

    /**
     * Takes the link over: raises its epoch. The former owner's writes fail from now on. Fails with `LinkFenced` (epoch
     * 0) once the node was started, or its term begun, on another store.
     */
    readonly claim: (peer: NodeKey) => Effect.Effect<Claimed, SqlError | LinkFenced>

    /**
     * Joins. Messages exist from the commit on; they are not numbered yet. They may be written as late as that commit.
     * Returns the peers to whom this transaction has sent nothing before: whose pumps its end shall wake.
     */
    readonly enqueue: (
      messages: ReadonlyArray<Outgoing>,
      now: number
    ) => Effect.Effect<ReadonlyArray<NodeKey>, SqlError>

    /**
     * Both positions of the link and the answers above what the peer has confirmed, read under the link's row lock.
     */
    readonly positions: (link: Link) => Effect.Effect<
      {
        readonly sending: Sending
        /** `seen`: the receipts that the peer has told to have settled. */
        readonly receiving: Receiving & { readonly seen: bigint }
        readonly answers: ReadonlyArray<Answer>
      },
      SqlError | LinkFenced
    >

    /**
     * Not for use inside a transaction. Writes messages in one of its own, like `enqueue`. Those to the peers of `links`
     * get the next numbers of their streams at once, unless something is owed to that peer that has none; `first` is the
     * number of the first of them. A link that is no longer its caller's gives no numbers. `again` is for what may have
     * been written already: it is refused with `LinkFenced` (epoch 0) once the node was started, or its term begun, on
     * another store, which may have sent it.
     */
    readonly submit: (
      messages: ReadonlyArray<Outgoing>,
      now: number,
      links: ReadonlyArray<Link>,
      again?: boolean | undefined
    ) => Effect.Effect<ReadonlyArray<{ readonly peer: NodeKey; readonly first: bigint }>, SqlError | LinkFenced>

    /**
     * Gives the next due messages their numbers, in the order in which they were sent, commits that, and returns them.
     * At most `room.messages`, and about `room.bytes` of bodies, one message at least. A message whose subject has an
     * earlier one waiting for its time is left out. `next` is when there may be more: `now` if there may be already,
     * `undefined` if nothing waits.
     */
    readonly take: (
      link: Link,
      room: Window,
      now: number
    ) => Effect.Effect<
      { readonly messages: ReadonlyArray<Numbered>; readonly next: number | undefined },
      SqlError | LinkFenced
    >

    /** Messages that have numbers above `after`, for sending again; bounded like `take`. */
    readonly numbered: (
      link: Link,
      after: bigint,
      room: Window
    ) => Effect.Effect<ReadonlyArray<Numbered>, SqlError | LinkFenced>

    /**
     * Joins. Everything up to `upTo` is receipted. `Ok`, `Stale` and `Refused` are final: the message goes. `Later`
     * loses its number and is due again at `now + wait(putOff, retryAfterMillis)`, where `putOff` is how often the
     * message was answered so on its own account, this time included, in whatever stream. One that is `behind` another
     * is due with the head of its subject, and that does not count; if that other one is not owed, `putOff` is what it
     * was, perhaps 0. Returns, in order, every message that was not `Ok` and the `Ok` ones of the protocols in `bodies`.
     */
    readonly settle: (
      link: Link,
      receipt: { readonly upTo: bigint; readonly answers: ReadonlyArray<Answer> },
      options: {
        readonly now: number
        readonly bodies: ReadonlyArray<string>
        readonly wait: (putOff: number, retryAfterMillis: number) => number
      }
    ) => Effect.Effect<ReadonlyArray<Settled>, SqlError | LinkFenced>

    /**
     * Joins. Settles the old stream up to `position` as `Ok`, takes the numbers of everything above it back, and starts
     * the stream `stream` at 1.
     */
    readonly restart: (link: Link, stream: string, position: bigint) => Effect.Effect<void, SqlError | LinkFenced>

    /** Joins; takes the link's row lock until the transaction ends. `held` is empty for almost every link. */
    readonly receiving: (link: Link) => Effect.Effect<
      Receiving & {
        /** The peer has had another stream before: an id may have been applied under it. */
        readonly restarted: boolean
        readonly held: ReadonlyArray<Held>
      },
      SqlError | LinkFenced
    >
    /**
     * Joins. Which of these ids had their effect before. With the stream that they come in, ids that this stream has
     * brought itself are left out of the search: its position tells, and searching them costs with every batch.
     */
    readonly applied: (
      peer: NodeKey,
      ids: ReadonlyArray<MessageId>,
      stream?: string | undefined
    ) => Effect.Effect<ReadonlySet<MessageId>, SqlError>
    /** Joins. Moves the position and writes what belongs to it. Nothing waits any more of a stream that is over. */
    readonly received: (link: Link, batch: ReceivedBatch, now: number) => Effect.Effect<void, SqlError | LinkFenced>
    /**
     * Commits that this message is about to be handled alone, under so many claims in a row, this one included. Whoever
     * claims the link next learns of it. May be repeated: what is tried again in one process has not ended it.
     */
    readonly accuse: (link: Link, id: MessageId, times: number) => Effect.Effect<void, SqlError | LinkFenced>
    /** Joins. Keeps a message that could not be handled, for an operator. */
    readonly park: (
      peer: NodeKey,
      message: {
        readonly id: MessageId
        readonly protocol: string
        readonly subject: string
        readonly body: Uint8Array
      },
      why: string,
      now: number
    ) => Effect.Effect<void, SqlError>

    /** Peers to whom at least one message is owed, in the order of their keys, after the given one; at most `limit`. */
    readonly debtors: (limit: number, after?: NodeKey | undefined) => Effect.Effect<ReadonlyArray<NodeKey>, SqlError>
    /**
     * What is owed, oldest first, after the given id if any. If that message is owed no more the list goes on with the
     * oldest one of a greater id, so that it may repeat some whose ids are smaller, but leaves out none that is greater.
     */
    readonly owed: (query: {
      readonly peer?: NodeKey | undefined
      readonly after?: MessageId | undefined
      readonly limit: number
    }) => Effect.Effect<ReadonlyArray<Owed>, SqlError>
    /**
     * Joins. Which of these subjects of the protocol have a message that is owed to the peer and was not taken back. It costs what looking
     * through all that is owed to the peer does.
     */
    readonly waiting: (
      peer: NodeKey,
      protocol: string,
      subjects: ReadonlyArray<string>
    ) => Effect.Effect<ReadonlySet<string>, SqlError>
    /** Joins. How often each of these messages has had a number; those that are owed no more are left out. */
    readonly attempts: (ids: ReadonlyArray<MessageId>) => Effect.Effect<ReadonlyMap<MessageId, number>, SqlError>
    /** Totals of every link this database knows; at most `limit`. */
    readonly totals: (limit: number) => Effect.Effect<ReadonlyArray<LinkTotals>, SqlError>
    /** Makes a message that waits for its time due now; false if no such message is owed. */
    readonly hasten: (id: MessageId, now: number) => Effect.Effect<boolean, SqlError>
    /**
     * Makes every message that waits for its time due now, whoever it is to; with `sentAfter` only if one of them was sent
     * after that. All or none, since what waits behind another one must not be due before it. Returns how many.
     */
    readonly hastenAll: (now: number, sentAfter?: number | undefined) => Effect.Effect<number, SqlError>
    /**
     * Joins. Takes a message back. Without a number it vanishes; with one its number is still sent, as `void`.
     * `undefined` if no such message is owed.
     */
    readonly cancel: (id: MessageId) => Effect.Effect<TakenBack | undefined, SqlError>
    /** Joins. Takes back what is past its deadline, at most `limit`, and returns it as it was. */
    readonly expire: (
      now: number,
      limit: number,
      bodies?: ReadonlyArray<string>
    ) => Effect.Effect<ReadonlyArray<Expired>, SqlError>
    /**
     * Forgets ids that were applied before `before`, and of each peer all but the newest `ids` of them, at most `limit`
     * rows of a batch each; returns how many rows went.
     */
    readonly prune: (query: {
      readonly before: number
      readonly ids: number
      readonly limit: number
    }) => Effect.Effect<number, SqlError>
  }
>()("holdfast/services/delivery/RetryStore") {}
