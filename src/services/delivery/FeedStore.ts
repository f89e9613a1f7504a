/**
 * The rows behind `Feed`: an append-only list whose positions are given after the commit, one after the other.
 *
 * An event appended in a transaction has no position until `publish` numbers what has been committed, so a reader
 * that remembers a position can never miss a row that committed late.
 */
import { Context, type Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"

/** An event as its writer gives it. `body` is JSON. */
export interface NewEvent {
  /** Whom it is for, such as a user's id; empty for the node's operator. */
  readonly audience: string
  readonly protocol: string
  readonly subject: string
  readonly kind: string
  readonly body: unknown
}

export interface FeedEvent extends NewEvent {
  readonly position: bigint
  readonly at: number
}

export class FeedStore extends Context.Service<
  FeedStore,
  {
    /** A random UUID made with the feed; positions of another feed mean nothing here. */
    readonly feedId: string
    /** Joins the caller's transaction. */
    readonly append: (events: ReadonlyArray<NewEvent>, now: number) => Effect.Effect<void, SqlError>
    /** Numbers committed events that have no position, at most `limit`, in the order of their writing; returns how many. */
    readonly publish: (limit: number) => Effect.Effect<number, SqlError>
    /** Published events after `position`, in order, at most `limit`, of one audience if it is given. */
    readonly after: (
      position: bigint,
      limit: number,
      audience?: string | undefined
    ) => Effect.Effect<ReadonlyArray<FeedEvent>, SqlError>
    /** The oldest position kept and the newest one given; both 0 while there is none. */
    readonly bounds: Effect.Effect<{ readonly oldest: bigint; readonly newest: bigint }, SqlError>
    /** Forgets published events older than `before`, at most `limit`; returns how many went. */
    readonly prune: (before: number, limit: number) => Effect.Effect<number, SqlError>
  }
>()("holdfast/services/delivery/FeedStore") {}
