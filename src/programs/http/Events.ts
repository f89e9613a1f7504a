/**
 * The feed as server-sent events. A reader that comes back with the last id it saw misses nothing.
 *
 * Nothing is kept for a reader: events are read from the database a page at a time, as fast as it takes them, and a
 * reader that goes away ends its fibers.
 */
import { Effect, Option, Schema, Stream } from "effect"
import { type Cursor, Feed, type Item } from "../../services/delivery/Feed.ts"
import { Unavailable } from "./ApiErrors.ts"
import * as EventStream from "./EventStream.ts"
import { EventView } from "./Models.ts"
import { reachable } from "./Reachable.ts"
import { Readers } from "./Readers.ts"

export interface Query {
  /**
   * Where to go on; `now` leaves out what has already happened, and the first item says where that is. From the oldest
   * event on by default.
   */
  readonly after?: Cursor | "now" | undefined
  /** Whether to wait for what happens; true by default. */
  readonly follow?: boolean | undefined
  /** Only what is for this user; what is for anybody by default. */
  readonly audience?: string | undefined
}

/** Events that a stream without `follow` reads at a time. */
const page = 256
/** Readers at once. */
export const maxReaders = 256

type Now = Extract<EventView, { readonly _tag: "Now" }>

const encode = Schema.encodeSync(Schema.fromJsonString(Schema.toCodecJson(EventView)))
const isJson = Schema.is(Schema.Json)

const view = (item: Item | Now): EventView => {
  if (item._tag !== "Event") return item
  const { at, audience, body, kind, protocol, subject } = item.event
  return { _tag: "Event", cursor: item.cursor, at, audience, protocol, subject, kind, body: isJson(body) ? body : null }
}

const render = (item: Item | Now): string => `id: ${item.cursor}\ndata: ${encode(view(item))}\n\n`

/** Everything there is after the cursor, page by page, and no more. */
const existing = (feed: Feed["Service"], after: Cursor | undefined, audience: string | undefined) =>
  Stream.paginate(after, (from) =>
    Effect.map(feed.read({ after: from, limit: page, audience }), (items) => {
      const last = items.at(-1)
      const more = last === undefined || items.length < page ? Option.none() : Option.some(last.cursor)
      return [items, more] as const
    })
  )

export const make = Effect.gen(function* () {
  const feed = yield* Feed
  const readers = new Readers(maxReaders)

  return {
    stream: Effect.fn("Api.events")(function* (query: Query) {
      if (readers.isFull) {
        return yield* new Unavailable({
          message: `${maxReaders} readers follow the events already`,
          fix: "Close readers that are no longer needed, or try again later."
        })
      }
      const now = query.after === "now" ? yield* reachable(feed.now) : undefined
      const after = query.after === "now" ? now : query.after
      const { audience } = query
      const items = query.follow === false ? existing(feed, after, audience) : feed.follow({ after, audience })
      // The first line makes the answer's head leave at once, also when nothing has happened yet.
      const first = now === undefined ? ":\n\n" : render({ _tag: "Now", cursor: now })
      const lines = Stream.concat(Stream.make(first), Stream.map(items, render))
      return EventStream.answer(
        readers.counted(lines).pipe(
          // The reader comes back with its cursor; there is nobody else to tell.
          Stream.tapError((error) => Effect.logWarning("A stream of events found no database", error))
        )
      )
    })
  }
})
