/**
 * What the feed of a running node tells a user, read page by page from the beginning or from behind a cursor.
 */
import { Effect, Option, Schema } from "effect"
import type { Cuid } from "../../../src/protocol/credit/Chad.ts"
import { type Cursor, Feed } from "../../../src/services/delivery/Feed.ts"

/** What is kept of an event for whoever reads. */
export interface Heard {
  readonly cursor: Cursor
  readonly protocol: string
  readonly kind: string
  readonly subject: string
  /** The chit that it is about, if it is about one. */
  readonly chit: string | undefined
}

const decodeBody = Schema.decodeUnknownOption(Schema.Struct({ chit: Schema.String }))

/** All that a user has not read yet. */
export const events = Effect.fnUntraced(function* ({ after, user }: { readonly user: Cuid; readonly after?: Cursor }) {
  const feed = yield* Feed
  const heard: Array<Heard> = []
  for (let from = after; ; from = heard.at(-1)?.cursor ?? from) {
    const items = yield* feed.read({ audience: user, limit: 256, ...(from === undefined ? {} : { after: from }) })
    for (const item of items) {
      if (item._tag !== "Event") return yield* Effect.die(new Error(`the feed says ${item._tag}`))
      const { body, kind, protocol, subject } = item.event
      const chit = Option.getOrUndefined(decodeBody(body))?.chit
      heard.push({ cursor: item.cursor, protocol, kind, subject, chit })
    }
    if (items.length === 0) return heard
  }
})
