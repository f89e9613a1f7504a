/**
 * Making due in memory what waits for its time.
 */
import { Result } from "effect"
import type { RetryStore } from "../../services/delivery/RetryStore.ts"
import type { MemoryDatabase } from "../MemoryDatabase.ts"
import { type RetryRows, sameSubject } from "./MemoryRows.ts"

export const make = (
  { attempt }: MemoryDatabase["Service"],
  rows: RetryRows
): Pick<RetryStore["Service"], "hasten" | "hastenAll"> => ({
  hasten: (id, now) =>
    attempt(() => {
      const row = rows.find(id)
      let changed = false
      if (row === undefined || row.seq !== undefined) return Result.succeed(false)
      for (const other of rows.of(row.peer).outbox) {
        if (!other.waiting || other.dueAt <= now || !sameSubject(other, row)) continue
        changed = changed || other.place <= row.place
        if (changed) rows.put({ ...other, dueAt: now })
      }
      return Result.succeed(changed)
    }),

  hastenAll: (now, sentAfter = Number.NEGATIVE_INFINITY) =>
    attempt(() => {
      const waiting = [...rows.links].flatMap(({ peer }) => [...rows.of(peer).outbox].filter((row) => row.waiting))
      if (!waiting.some(({ createdAt }) => createdAt > sentAfter)) return Result.succeed(0)
      const hastened = waiting.filter(({ dueAt }) => dueAt > now)
      for (const row of hastened) rows.put({ ...row, dueAt: now })
      return Result.succeed(hastened.length)
    })
})
