/**
 * The feed's rows in a `MemoryDatabase`: for tests and simulations, rule for rule what the SQL store does.
 */
import { Effect, Layer, Result } from "effect"
import { SecureRandom } from "effect/crypto"
import { type FeedEvent, FeedStore, type NewEvent } from "../services/delivery/FeedStore.ts"
import { MemoryDatabase, MemorySlot } from "./MemoryDatabase.ts"
import { MemoryTable } from "./MemoryTable.ts"

interface Feed {
  id: string | undefined
  counter: bigint
  /** The newest position that was given, under the one key 0. */
  readonly newest: MemoryTable<bigint, bigint>
  readonly waiting: MemoryTable<bigint, NewEvent & { readonly place: bigint; readonly at: number }>
  readonly published: MemoryTable<bigint, FeedEvent>
}

const feedIn = new MemorySlot((log): Feed => ({
  id: undefined,
  counter: 0n,
  newest: new MemoryTable(log),
  waiting: new MemoryTable(log),
  published: new MemoryTable(log)
}))

/** What JSON makes of a value, as a database would give it back. */
const throughJson = (body: unknown): unknown => {
  const text: string | undefined = JSON.stringify(body)
  return text === undefined ? null : JSON.parse(text)
}

export const layer: Layer.Layer<FeedStore, never, MemoryDatabase | SecureRandom.SecureRandom> = Layer.effect(
  FeedStore,
  Effect.gen(function* () {
    const database = yield* MemoryDatabase
    const random = yield* SecureRandom.SecureRandom
    const feed = feedIn.of(database)
    const feedId = (feed.id ??= yield* random.uuidV4())
    const newest = () => feed.newest.get(0n) ?? 0n

    return FeedStore.of({
      feedId,
      append: (events, now) =>
        database.attempt(() => {
          for (const { audience, protocol, subject, kind, body } of events) {
            const place = ++feed.counter
            feed.waiting.set(place, { place, audience, protocol, subject, kind, body: throughJson(body), at: now })
          }
          return Result.succeed(undefined)
        }),
      publish: (limit) =>
        database.attempt(() => {
          let position = newest()
          let count = 0
          for (const { place, ...event } of feed.waiting) {
            if (count >= limit) break
            count++
            position++
            feed.waiting.delete(place)
            feed.published.set(position, { ...event, position })
          }
          feed.newest.set(0n, position)
          return Result.succeed(count)
        }),
      after: (position, limit, audience) =>
        database.attempt(() => {
          const found: Array<FeedEvent> = []
          for (const event of feed.published) {
            if (found.length >= limit) break
            if (event.position <= position || (audience !== undefined && event.audience !== audience)) continue
            found.push(event)
          }
          return Result.succeed(found)
        }),
      bounds: database.attempt(() => {
        for (const { position } of feed.published) return Result.succeed({ oldest: position, newest: newest() })
        return Result.succeed({ oldest: newest() === 0n ? 0n : newest() + 1n, newest: newest() })
      }),
      prune: (before, limit) =>
        database.attempt(() => {
          let gone = 0
          for (const event of feed.published) {
            if (gone >= limit || event.at >= before) break
            feed.published.delete(event.position)
            gone++
          }
          return Result.succeed(gone)
        })
    })
  })
)
