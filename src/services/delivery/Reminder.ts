/**
 * Tells everybody again, at the start of a node, what waits for them: one event for each audience, with its part of the
 * action list. All of them are one transaction.
 */
import { Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { Transactions } from "../Transactions.ts"
import { Attention, type AttentionItem, maxItems } from "./Attention.ts"
import { Feed } from "./Feed.ts"
import type { NewEvent } from "./FeedStore.ts"

/** Items in the event of one audience; `more` says that there are others. */
const most = 100

export const run: Effect.Effect<void, SqlError, Attention | Feed | Transactions> = Effect.gen(function* () {
  const attention = yield* Attention
  const feed = yield* Feed
  const transactions = yield* Transactions
  yield* transactions.within(Effect.flatMap(attention.list({ limit: maxItems }), (items) => feed.append(events(items))))
})

const events = (items: ReadonlyArray<AttentionItem>): ReadonlyArray<NewEvent> => {
  const audiences = new Map<string, Array<AttentionItem>>()
  for (const item of items) {
    const theirs = audiences.get(item.audience)
    if (theirs === undefined) audiences.set(item.audience, [item])
    else theirs.push(item)
  }
  return [...audiences].map(([audience, theirs]) => ({
    audience,
    protocol: "",
    subject: "attention",
    kind: "attention",
    body: { items: theirs.slice(0, most), more: theirs.length > most }
  }))
}
