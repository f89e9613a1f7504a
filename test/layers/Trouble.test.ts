/**
 * PostgreSQL with few connections and little patience: work slows down, and nothing is lost or doubled.
 */
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Layer, Logger, Queue, Redacted, References } from "effect"
import { SqlClient } from "effect/sql"
import { isSqlError } from "effect/sql/SqlError"
import * as Postgres from "../../src/layers/Postgres.ts"
import { Delivery } from "../../src/services/delivery/Delivery.ts"
import { freshDatabase } from "../support/FreshDatabase.ts"
import * as StoredNode from "../support/StoredNode.ts"
import { onSql } from "../support/Stores.ts"

/** Two connections, and statements that end after a moment, though not before a busy machine has carried them out. */
const impatient = (url: Redacted.Redacted) => {
  const limited = new URL(Redacted.value(url))
  limited.searchParams.set("options", "-c statement_timeout=1000")
  return Postgres.layer({ url: Redacted.make(limited.toString()), maxConnections: 2 }).pipe(Layer.orDie)
}

/** Locks tables of a database until `release`, through a connection of its own. */
const locking = Effect.fnUntraced(function* (url: Redacted.Redacted, tables: string, release: Effect.Effect<void>) {
  const context = yield* Layer.build(Postgres.layer({ url, maxConnections: 1 }))
  const sql = Context.get(context, SqlClient.SqlClient)
  const locked = yield* Deferred.make<void>()
  const holding = yield* sql
    .unsafe(`LOCK TABLE ${tables}`)
    .pipe(
      Effect.andThen(Deferred.succeed(locked, undefined)),
      Effect.andThen(release),
      sql.withTransaction,
      Effect.forkChild
    )
  yield* Deferred.await(locked)
  return { released: Fiber.join(holding) }
})

const producers = 8
const each = 15
const words = Array.from({ length: producers }, (_, lane) => Array.from({ length: each }, (_, n) => `${lane}-${n}`))

describe("a database that is short of connections and of time", () => {
  it.live("trap 13: makes senders and receivers wait, and loses and doubles nothing", () =>
    Effect.gen(function* () {
      const urls = [yield* freshDatabase, yield* freshDatabase] as const
      // What timed out, as the fibers of sessions tell it.
      const complaints = yield* Queue.unbounded<void>()
      const logger = Logger.make<unknown, void>(({ fiber, message }) => {
        const { what } = fiber.getRef(References.CurrentLogAnnotations)
        if (what === "handling received messages" && String(message).includes("does not answer")) {
          Queue.offerUnsafe(complaints, undefined)
        }
      })
      yield* Effect.gen(function* () {
        const [sender, receiver] = yield* StoredNode.places
        const [a, b] = [yield* StoredNode.live(sender), yield* StoredNode.live(receiver)]
        const delivery = Context.get(a.context, Delivery)
        const refusals = yield* Queue.unbounded<void>()
        /** Tries again what was rolled back, and nothing else. */
        const produce = (lane: ReadonlyArray<string>) =>
          Effect.forEach(
            lane,
            (word) =>
              delivery.sendNow(b.key, sender.protocol, word).pipe(
                Effect.tapError(() => Queue.offer(refusals, undefined)),
                Effect.retry({ while: (error) => isSqlError(error) && error.isRetryable })
              ),
            { discard: true }
          )
        yield* StoredNode.join(a, b)
        yield* a.send(b, "first")
        assert.deepStrictEqual(yield* Queue.take(sender.outcomes), ["first", "Ok"])
        const receiving = yield* locking(urls[1], "holdfast_arrivals", Effect.asVoid(Queue.take(complaints)))
        const taking = yield* locking(urls[0], "holdfast_outbox", Effect.asVoid(Queue.take(refusals)))
        const sending = yield* Effect.forkChild(Effect.forEach(words, produce, { concurrency: "unbounded" }))
        yield* taking.released
        yield* receiving.released
        yield* Fiber.join(sending)
        const told: Array<string> = []
        while (told.length < producers * each) told.push((yield* Queue.take(sender.outcomes))[0])
        assert.deepStrictEqual(told.toSorted(), words.flat().toSorted())
        assert.deepStrictEqual((yield* b.handled).toSorted(), [...words.flat(), "first"].toSorted())
        assert.deepStrictEqual([yield* a.owedTo(b), yield* Queue.size(sender.outcomes)], [0, 0])
      }).pipe(
        Effect.provide(
          Layer.effect(
            StoredNode.Databases,
            Effect.all([
              StoredNode.reopening(onSql(impatient(urls[0]))),
              StoredNode.reopening(onSql(impatient(urls[1])))
            ])
          ).pipe(Layer.provideMerge(Logger.layer([logger])))
        )
      )
    }).pipe(Effect.scoped)
  )
})
