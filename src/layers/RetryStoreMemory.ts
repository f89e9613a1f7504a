/**
 * The retry store in a `MemoryDatabase`: for tests and simulations, rule for rule what the SQL store does.
 */
import { Effect, Layer, Result } from "effect"
import { SecureRandom } from "effect/crypto"
import type { SqlError } from "effect/sql/SqlError"
import { type Claimed, LinkFenced, RetryStore } from "../services/delivery/RetryStore.ts"
import { MemoryDatabase } from "./MemoryDatabase.ts"
import * as MemoryHastening from "./retry/MemoryHastening.ts"
import * as MemoryReceiving from "./retry/MemoryReceiving.ts"
import { rowsIn } from "./retry/MemoryRows.ts"
import * as MemorySending from "./retry/MemorySending.ts"
import * as MemoryViews from "./retry/MemoryViews.ts"

export const layer: Layer.Layer<RetryStore, SqlError, MemoryDatabase | SecureRandom.SecureRandom> = Layer.effect(
  RetryStore,
  Effect.gen(function* () {
    const database = yield* MemoryDatabase
    const random = yield* SecureRandom.SecureRandom
    const rows = rowsIn.of(database)
    const fresh = yield* random.uuidV4()
    const node = yield* database.attempt(() => {
      const { databaseId, incarnation } = rows.node.get(0n) ?? { databaseId: fresh, incarnation: 0n }
      const next = { databaseId, incarnation: incarnation + 1n }
      rows.node.set(0n, next)
      return Result.succeed(next)
    })
    const sending = MemorySending.make(database, rows)
    return RetryStore.of({
      ...node,
      claim: (peer) =>
        Effect.flatMap(random.uuidV4(), (stream) =>
          database.attempt((): Result.Result<Claimed, LinkFenced> => {
            if (rows.node.get(0n)?.incarnation !== node.incarnation) {
              return Result.fail(new LinkFenced({ peer, epoch: 0n }))
            }
            const row = rows.ensure(peer)
            const epoch = row.epoch + 1n
            const fruitless = row.fruitless + 1
            const sending = row.sending ?? { stream, last: 0n, receipted: 0n }
            rows.links.set(peer, { ...row, epoch, fruitless, sending })
            return Result.succeed({ peer, epoch, fruitless, suspect: row.suspect, accused: row.accused })
          })
        ),
      ...sending,
      submit: (messages, now, links, again) =>
        Effect.suspend(() => {
          const [message] = messages
          const isOver = rows.node.get(0n)?.incarnation !== node.incarnation
          return again === true && isOver && message !== undefined
            ? Effect.fail(new LinkFenced({ peer: message.peer, epoch: 0n }))
            : sending.submit(messages, now, links)
        }),
      ...MemoryHastening.make(database, rows),
      ...MemoryReceiving.make(database, rows),
      ...MemoryViews.make(database, rows)
    })
  })
)
