/**
 * Parked messages in a `MemoryDatabase`: for tests and simulations, rule for rule what the SQL store does.
 */
import { Effect, Layer, Result } from "effect"
import type { NodeKey } from "../protocol/NodeKey.ts"
import { type ParkedMessage, type ParkedPlace, ParkedStore } from "../services/delivery/ParkedStore.ts"
import { MemoryDatabase } from "./MemoryDatabase.ts"
import { noStream } from "./ParkedStoreSql.ts"
import { type ParkedRow, type RetryRows, rowsIn } from "./retry/MemoryRows.ts"

const messageOf = (peer: NodeKey, { body, ...row }: ParkedRow): ParkedMessage => ({ ...row, peer, bytes: body.length })

const isAfter = (a: ParkedPlace, b: ParkedPlace): boolean => a.id > b.id || (a.id === b.id && a.peer > b.peer)

/** All of them, in order. */
const everything = (rows: RetryRows): ReadonlyArray<ParkedMessage> => {
  const found: Array<ParkedMessage> = []
  for (const { peer } of rows.links) for (const row of rows.of(peer).parked) found.push(messageOf(peer, row))
  return found.sort((a, b) => (isAfter(a, b) ? 1 : -1))
}

export const layer: Layer.Layer<ParkedStore, never, MemoryDatabase> = Layer.effect(
  ParkedStore,
  Effect.gen(function* () {
    const { attempt, ...database } = yield* MemoryDatabase
    const rows = rowsIn.of({ attempt, ...database })
    const read = <A>(body: () => A) => attempt(() => Result.succeed(body()))

    return ParkedStore.of({
      list: ({ after, limit, peer }) =>
        read(() =>
          everything(rows)
            .filter((it) => (peer === undefined || it.peer === peer) && (after === undefined || isAfter(it, after)))
            .slice(0, limit)
        ),
      peersOf: (id, limit) =>
        read(() =>
          everything(rows)
            .filter((it) => it.id === id)
            .slice(0, limit)
            .map(({ peer }) => peer)
        ),
      take: ({ id, peer }) =>
        read(() => {
          const row = rows.of(peer).parked.get(id)
          return row === undefined ? undefined : { protocol: row.protocol, subject: row.subject, body: row.body }
        }),
      remember: ({ id, peer }, now) =>
        read(() => {
          if (rows.links.get(peer) === undefined) return
          const place = rows.next()
          rows
            .of(peer)
            .applied.set(place, { place, stream: noStream, lastSeq: 0n, superseded: true, ids: [id], at: now })
        }),
      remove: ({ id, peer }) => read(() => rows.of(peer).parked.delete(id)),
      blame: ({ id, peer }, why) =>
        read(() => {
          const { parked } = rows.of(peer)
          const row = parked.get(id)
          if (row !== undefined) parked.set(id, { ...row, why })
        }),
      count: (limit) => read(() => Math.min(limit, everything(rows).length))
    })
  })
)
