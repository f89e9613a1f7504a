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
      let hastened = 0
      for (const { peer } of rows.links) {
        for (const row of rows.of(peer).outbox) {
          if (!row.waiting || row.dueAt <= now || row.createdAt <= sentAfter) continue
          rows.put({ ...row, dueAt: now })
          hastened++
        }
      }
      return Result.succeed(hastened)
    })
})
