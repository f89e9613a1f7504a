/**
 * What needs attention in a `MemoryDatabase`: for tests and simulations, rule for rule what the SQL store does.
 */
import { Effect, Layer, Result } from "effect"
import type { MessageId } from "../protocol/delivery/Message.ts"
import { AttentionStore, maxUntold, type Owing, type Untold } from "../services/delivery/AttentionStore.ts"
import { MemoryDatabase, MemorySlot } from "./MemoryDatabase.ts"
import { MemoryTable } from "./MemoryTable.ts"
import { bookIn } from "./PeerBookMemory.ts"
import { rowsIn } from "./retry/MemoryRows.ts"

const untoldIn = new MemorySlot((log) => new MemoryTable<MessageId, Untold & { readonly body: Uint8Array }>(log))

export const layer: Layer.Layer<AttentionStore, never, MemoryDatabase> = Layer.effect(
  AttentionStore,
  Effect.gen(function* () {
    const database = yield* MemoryDatabase
    const rows = rowsIn.of(database)
    const book = bookIn.of(database)
    const untold = untoldIn.of(database)
    return AttentionStore.of({
      owing: ({ attempts, before, limit }) =>
        database.attempt(() => {
          const found: Array<Owing> = []
          for (const { peer } of rows.links) {
            const owed = [...rows.of(peer).outbox].filter((row) => !row.void)
            if (owed.length === 0) continue
            const since = owed.reduce((oldest, row) => Math.min(oldest, row.createdAt), Infinity)
            const most = owed.reduce((most, row) => Math.max(most, row.attempts), 0)
            const addressed = book.get(peer)?.endpoint !== undefined
            if (since > before && most <= attempts && addressed) continue
            found.push({ peer, messages: owed.length, since, attempts: most, addressed })
          }
          found.sort((a, b) => a.since - b.since || (a.peer < b.peer ? -1 : 1))
          return Result.succeed(found.slice(0, limit))
        }),

      keep: (one) =>
        database.attempt(() => {
          const known = untold.get(one.id)
          if (untold.size < maxUntold) {
            untold.set(one.id, known === undefined ? one : { ...known, end: one.end, at: one.at })
          }
          return Result.succeed(undefined)
        }),

      untold: ({ after, limit }) =>
        database.attempt(() => {
          const all = [...untold].map(({ body: _body, ...one }): Untold => one)
          const from = after === undefined ? all : all.filter(({ id }) => id > after)
          return Result.succeed(from.slice(0, limit))
        }),

      take: (id) =>
        database.attempt(() => {
          const body = untold.get(id)?.body
          untold.delete(id)
          return Result.succeed(body)
        })
    })
  })
)
