/**
 * What has happened, for users and agents: an append-only feed, read from wherever one left off (docs/PROTOCOL.md, 8).
 *
 * An event appended in a transaction is seen if and only if that transaction commits, by everybody, once, in one order.
 * A cursor that this feed cannot honour is answered with an explicit `reset` or `gap`, never with silence.
 */
import { Cause, Clock, Context, Effect, Layer, Option, PubSub, Schedule, Schema, Stream } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { Buggify } from "../Buggify.ts"
import { Transactions } from "../Transactions.ts"
import { Attention, type AttentionItem } from "./Attention.ts"
import type { AttentionStore } from "./AttentionStore.ts"
import { type FeedEvent, FeedStore, type NewEvent } from "./FeedStore.ts"
import type { ParkedStore } from "./ParkedStore.ts"

/** Where a reader is: `feedId:position`. */
export const Cursor = Schema.String.check(
  Schema.isPattern(/^[0-9a-f-]{36}:\d{1,19}$/, { message: 'a cursor is "<feed id>:<position>"' })
)
export type Cursor = typeof Cursor.Type

/** `attention`: the reader's action list, 100 items at the most, because what it has missed may have told it of those. */
export type Item =
  | { readonly _tag: "Event"; readonly cursor: Cursor; readonly event: FeedEvent }
  /** The cursor belongs to another feed, as after a new database: reading starts over at the oldest event. */
  | { readonly _tag: "Reset"; readonly cursor: Cursor; readonly attention: ReadonlyArray<AttentionItem> }
  /** Events after the cursor are no longer kept: reading goes on at the oldest one. */
  | {
      readonly _tag: "Gap"
      readonly cursor: Cursor
      readonly missed: bigint
      readonly attention: ReadonlyArray<AttentionItem>
    }

/** Events read from the store at a time. */
const page = 256
/** How often the feed looks for committed events that nobody announced, in milliseconds. */
const sweep = 5_000
/** Items of the action list that a reader who has missed something is given. */
const mostAttention = 100

export class Feed extends Context.Service<
  Feed,
  {
    /** Appends to the caller's transaction, or in one of its own. `body` must be JSON. */
    readonly append: (events: ReadonlyArray<NewEvent>) => Effect.Effect<void, SqlError>
    /** At most `limit` items after the cursor, from the beginning if there is none; does not wait. */
    readonly read: (options: {
      readonly after?: Cursor | undefined
      readonly limit: number
      readonly audience?: string | undefined
    }) => Effect.Effect<ReadonlyArray<Item>, SqlError>
    /** Everything after the cursor, then everything that comes. */
    readonly follow: (options: {
      readonly after?: Cursor | undefined
      readonly audience?: string | undefined
    }) => Stream.Stream<Item, SqlError>
    /** The newest position, to start from now. */
    readonly now: Effect.Effect<Cursor, SqlError>
  }
>()("holdfast/services/delivery/Feed") {
  /** With the action list that its readers are given when they have missed something. */
  static readonly layer: Layer.Layer<Feed | Attention, never, FeedStore | AttentionStore | ParkedStore | Transactions> =
    Layer.effect(
      Feed,
      Effect.suspend(() => make)
    ).pipe(Layer.provideMerge(Attention.layer))
}

const make = Effect.gen(function* () {
  const store = yield* FeedStore
  const attention = yield* Attention
  const transactions = yield* Transactions
  const buggify = yield* Buggify
  const clock = yield* Clock.Clock
  // One token at most: "look", either after a commit or because time has passed.
  const appended = yield* PubSub.sliding<void>(1)
  const published = yield* PubSub.sliding<void>(1)

  const cursorAt = (position: bigint): Cursor => `${store.feedId}:${position}`
  const eventItem = (event: FeedEvent): Item => ({ _tag: "Event", cursor: cursorAt(event.position), event })

  const publishAll = Effect.gen(function* () {
    while ((yield* store.publish(page)) > 0) yield* PubSub.publish(published, undefined)
  })

  yield* Stream.fromPubSub(appended).pipe(
    Stream.merge(Stream.fromSchedule(Schedule.spaced(sweep))),
    Stream.runForEach(() =>
      Effect.catchCause(Effect.andThen(buggify.pass("feed.committed-before-published"), publishAll), (cause) =>
        Cause.hasInterrupts(cause) ? Effect.interrupt : Effect.logWarning("Events cannot be published now", cause)
      )
    ),
    Effect.tapCause((cause) => Effect.logError("The publisher of events failed", cause)),
    Effect.forkScoped
  )

  /** The position to read after, and what the reader must be told first. */
  const place = Effect.fnUntraced(function* (after: Cursor | undefined, audience: string | undefined) {
    const { newest, oldest } = yield* store.bounds
    const start = oldest === 0n ? 0n : oldest - 1n
    if (after === undefined) return { position: start, notice: Option.none<Item>() }
    const [feed, text] = [after.slice(0, 36), after.slice(37)]
    const position = BigInt(text)
    const notice = Effect.fnUntraced(function* (missing: { readonly _tag: "Reset" } | { _tag: "Gap"; missed: bigint }) {
      const list = yield* attention.list({ audience, limit: mostAttention })
      return { position: start, notice: Option.some<Item>({ ...missing, cursor: cursorAt(start), attention: list }) }
    })
    if (feed !== store.feedId || position > newest) {
      return yield* notice({ _tag: "Reset" })
    }
    return position < start
      ? yield* notice({ _tag: "Gap", missed: start - position })
      : { position, notice: Option.none<Item>() }
  })

  const follow = Effect.fnUntraced(function* (after: Cursor | undefined, audience: string | undefined) {
    // Subscribed before the first look, so that nothing is published between looking and waiting.
    const news = yield* PubSub.subscribe(published)
    const { notice, position } = yield* place(after, audience)
    const events = Stream.paginate(position, (from) =>
      Effect.gen(function* () {
        const found = yield* store.after(from, buggify.fires("feed.page-of-one") ? 1 : page, audience)
        const last = found.at(-1)
        if (last === undefined) {
          yield* Effect.timeoutOption(PubSub.take(news), sweep)
          yield* buggify.pass("feed.published-before-read")
          return [[], Option.some(from)] as const
        }
        return [found.map(eventItem), Option.some(last.position)] as const
      })
    )
    return Stream.concat(Stream.fromIterable(Option.toArray(notice)), events)
  })

  return Feed.of({
    append: (events) =>
      Effect.gen(function* () {
        if (events.length === 0) return
        yield* store.append(events, clock.currentTimeMillisUnsafe())
        yield* transactions.afterCommit(Effect.asVoid(PubSub.publish(appended, undefined)))
      }),
    read: Effect.fnUntraced(function* ({ after, audience, limit }) {
      yield* publishAll
      const { notice, position } = yield* place(after, audience)
      const events = yield* store.after(position, limit, audience)
      return [...Option.toArray(notice), ...events.map(eventItem)].slice(0, limit)
    }),
    follow: ({ after, audience }) => Stream.unwrap(follow(after, audience)),
    now: Effect.map(store.bounds, ({ newest }) => cursorAt(newest))
  })
})
