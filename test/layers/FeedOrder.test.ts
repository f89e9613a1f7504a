/**
 * What a reader of the feed is told when transactions commit in another order than they wrote, on a server where they
 * really are open at the same time.
 */
import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { type Cursor, Feed } from "../../src/services/delivery/Feed.ts"
import { Transactions } from "../../src/services/Transactions.ts"
import * as Stores from "../support/Stores.ts"

const append = (kind: string) =>
  Effect.flatMap(Feed, (feed) => feed.append([{ audience: "", protocol: "", subject: "x", kind, body: null }]))

/** A transaction that has written an event and is open until it is told to commit. */
const open = Effect.fnUntraced(function* (kind: string) {
  const { within } = yield* Transactions
  const written = yield* Deferred.make<void>()
  const go = yield* Deferred.make<void>()
  const fiber = yield* append(kind).pipe(
    Effect.andThen(Deferred.succeed(written, undefined)),
    Effect.andThen(Deferred.await(go)),
    within,
    Effect.forkChild
  )
  yield* Deferred.await(written)
  return { commit: Effect.andThen(Deferred.succeed(go, undefined), Fiber.join(fiber)) }
})

/** Reads on from where it was, and remembers where it is. */
const reader = Effect.fnUntraced(function* () {
  const feed = yield* Feed
  let cursor: Cursor | undefined
  const seen: Array<string> = []
  const read = Effect.gen(function* () {
    for (const item of yield* feed.read({ after: cursor, limit: 100 })) {
      cursor = item.cursor
      seen.push(item._tag === "Event" ? item.event.kind : item._tag)
    }
    return [...seen]
  })
  return { read }
})

layer(Layer.provideMerge(Feed.layer, Stores.postgres))("a reader of the feed on PostgreSQL", (it) => {
  it.effect("trap 6: misses nothing of two transactions that commit out of order", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { read } = yield* reader()
      const first = yield* open("written first")
      const second = yield* open("written second")
      assert.deepStrictEqual(yield* read, [])
      yield* second.commit
      assert.deepStrictEqual(yield* read, ["written second"])
      yield* first.commit
      assert.deepStrictEqual(yield* read, ["written second", "written first"])
      // In the order of their ids the reader would have been past the other one already.
      const rows = yield* sql`SELECT kind FROM holdfast_events ORDER BY id`
      assert.deepStrictEqual(
        rows.map(({ kind }) => kind),
        ["written first", "written second"]
      )
    })
  )

  it.effect("trap 6: misses nothing of many that overlap, in whatever order they commit", () =>
    Effect.gen(function* () {
      const { read } = yield* reader()
      const before = yield* read
      const expected: Array<string> = []
      for (let round = 0; round < 5; round++) {
        const all = yield* Effect.forEach([0, 1, 2, 3], (n) => open(`${round}.${n}`))
        for (const n of [2, 0, 3, 1]) {
          yield* all[n]!.commit
          expected.push(`${round}.${n}`)
          assert.deepStrictEqual((yield* read).slice(before.length), expected)
        }
      }
    })
  )
})
