/**
 * What is owed, to whom and until when, in memory.
 */
import { Result } from "effect"
import type { MessageId } from "../../protocol/delivery/Message.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Owed, RetryStore } from "../../services/delivery/RetryStore.ts"
import type { MemoryDatabase } from "../MemoryDatabase.ts"
import { owedOf, type RetryRows, type Row } from "./MemoryRows.ts"

/** The place of the oldest message of a greater id. */
const firstBeyond = (rows: RetryRows, id: MessageId): bigint | undefined => {
  let first: bigint | undefined
  for (const { peer } of rows.links) {
    for (const row of rows.of(peer).outbox) {
      if (row.id > id && (first === undefined || row.place < first)) first = row.place
    }
  }
  return first
}

export const make = (
  { attempt }: MemoryDatabase["Service"],
  rows: RetryRows
): Pick<RetryStore["Service"], "debtors" | "owed" | "waiting" | "attempts" | "totals"> => ({
  debtors: (limit, after) =>
    attempt(() => {
      const peers: Array<NodeKey> = []
      for (const { peer } of rows.links) {
        if (peers.length >= limit) break
        if (after !== undefined && peer <= after) continue
        if (rows.of(peer).outbox.size > 0) peers.push(peer)
      }
      return Result.succeed(peers)
    }),

  owed: ({ peer, after, limit }) =>
    attempt(() => {
      const place = after === undefined ? -1n : rows.find(after)?.place
      const from = place === undefined ? firstBeyond(rows, after ?? "") : place + 1n
      const found: Array<Row> = []
      for (const link of rows.links) {
        if (peer !== undefined && link.peer !== peer) continue
        for (const row of rows.of(link.peer).outbox) if (from !== undefined && row.place >= from) found.push(row)
      }
      found.sort((a, b) => (a.place < b.place ? -1 : 1))
      return Result.succeed(found.slice(0, limit).map((row): Owed => owedOf(row)))
    }),

  waiting: (peer, protocol, subjects) =>
    attempt(() => {
      const asked = new Set(subjects)
      const owed = [...rows.of(peer).outbox].filter((row) => row.protocol === protocol && !row.void)
      return Result.succeed(new Set(owed.flatMap(({ subject }) => (asked.has(subject) ? [subject] : []))))
    }),

  attempts: (ids) =>
    attempt(() =>
      Result.succeed(new Map(ids.flatMap((id) => rows.find(id) ?? []).map((row) => [row.id, row.attempts])))
    ),

  totals: (limit) =>
    attempt(() =>
      Result.succeed(
        [...rows.links].slice(0, limit).map((link) => {
          const outbox = [...rows.of(link.peer).outbox]
          return {
            peer: link.peer,
            owed: outbox.length,
            oldestCreatedAt: outbox.length === 0 ? undefined : Math.min(...outbox.map((row) => row.createdAt)),
            receipted: link.receiptedBefore + (link.sending?.receipted ?? 0n),
            received: link.receivedBefore + link.position,
            duplicates: link.duplicates
          }
        })
      )
    )
})
