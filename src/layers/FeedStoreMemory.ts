/**
 * The feed's rows in a `MemoryDatabase`: for tests and simulations, rule for rule what the SQL store does.
 */
import { Effect, Layer, Result } from "effect"
import { SecureRandom } from "effect/crypto"
import type { SqlError } from "effect/sql/SqlError"
import { type FeedEvent, FeedStore, type NewEvent } from "../services/delivery/FeedStore.ts"
import { MemoryDatabase, MemorySlot } from "./MemoryDatabase.ts"
import { MemoryTable } from "./MemoryTable.ts"

interface Feed {
  counter: bigint
  /** The feed's id, under the one key 0. */
  readonly id: MemoryTable<bigint, string>
  /** The newest position that was given, under the one key 0. */
  readonly newest: MemoryTable<bigint, bigint>
  readonly waiting: MemoryTable<bigint, NewEvent & { readonly place: bigint; readonly at: number }>
  readonly published: MemoryTable<bigint, FeedEvent>
}

/** For who looks into a database from outside. */
export const feedIn = new MemorySlot((log): Feed => ({
  counter: 0n,
  id: new MemoryTable(log),
  newest: new MemoryTable(log),
  waiting: new MemoryTable(log),
  published: new MemoryTable(log)
}))

/** What JSON makes of a value, as a database would give it back. */
const throughJson = (body: unknown): unknown => {
  const text: string | undefined = JSON.stringify(body)
  return text === undefined ? null : JSON.parse(text)
}

export const layer: Layer.Layer<FeedStore, SqlError, MemoryDatabase | SecureRandom.SecureRandom> = Layer.effect(
  FeedStore,
  Effect.gen(function* () {
    const database = yield* MemoryDatabase
    const random = yield* SecureRandom.SecureRandom
    const feed = feedIn.of(database)
    const fresh = yield* random.uuidV4()
    const feedId = yield* database.attempt(() => {
      const known = feed.id.get(0n)
      if (known === undefined) feed.id.set(0n, fresh)
      return Result.succeed(known ?? fresh)
    })
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
