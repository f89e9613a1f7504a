/**
 * Timers in a `MemoryDatabase`: for tests and simulations, rule for rule what the SQL store does.
 */
import { Effect, Layer, Result } from "effect"
import { type ClaimedTimer, type Now, TimerStore } from "../services/delivery/TimerStore.ts"
import { MemoryDatabase, MemorySlot } from "./MemoryDatabase.ts"
import { MemoryTable } from "./MemoryTable.ts"

interface Row {
  readonly id: string
  readonly protocol: string
  readonly subject: string
  readonly payload: Uint8Array
  readonly dueAt: number
  /** A time of the wall clock unless it is `steady`. */
  readonly nextAt: number
  readonly steady: boolean
  readonly attempts: number
  readonly holder: string | undefined
  readonly lastFailure: string | undefined
}

/** For who looks into a database from outside. */
export const timersIn = new MemorySlot((log) => ({
  rows: new MemoryTable<string, Row>(log),
  /** Under the one key 0. */
  ahead: new MemoryTable<bigint, number>(log)
}))

type Key = "dueAt" | "nextAt"
const by =
  (key: Key) =>
  (a: Row, b: Row): number =>
    a[key] - b[key] || (a.id < b.id ? -1 : 1)

export const layer: Layer.Layer<TimerStore, never, MemoryDatabase> = Layer.effect(
  TimerStore,
  Effect.map(MemoryDatabase, (database) => {
    const { ahead, rows } = timersIn.of(database)
    const { attempt } = database
    const aheadBy = (): number => ahead.get(0n) ?? 0
    const untilOf = (row: Row, now: Now): number => row.nextAt - (row.steady ? now.steady : now.wall)
    /** Changes a row that is the holder's. */
    const ofHolder = (id: string, holder: string, change: (row: Row) => void) =>
      attempt(() => {
        const row = rows.get(id)
        const own = row !== undefined && row.holder === holder
        if (own) change(row)
        return Result.succeed(own)
      })

    return TimerStore.of({
      set: ({ due, id, payload, protocol, subject }, now) =>
        attempt(() => {
          const known = rows.get(id)
          if (known !== undefined && known.protocol !== protocol) return Result.succeed(false)
          const when =
            "in" in due
              ? { dueAt: now.wall + due.in, nextAt: now.steady + due.in, steady: true }
              : { dueAt: due.at, nextAt: due.at, steady: false }
          const fresh = { attempts: 0, holder: undefined, lastFailure: undefined }
          rows.set(id, { id, protocol, subject, payload: payload.slice(), ...when, ...fresh })
          return Result.succeed(true)
        }),

      cancel: (id) => attempt(() => Result.succeed(rows.delete(id))),

      next: (now) =>
        attempt(() => {
          let wait: number | undefined
          for (const row of rows) wait = Math.min(wait ?? Number.POSITIVE_INFINITY, untilOf(row, now))
          return Result.succeed({ wait, ahead: aheadBy() })
        }),

      claim: (holder, { lease, limit, now }) =>
        attempt(() => {
          const due = [...rows]
            .filter((row) => untilOf(row, now) <= 0)
            .sort(by("nextAt"))
            .slice(0, limit)
          const alone = due[0]?.holder !== undefined
          const claimed: Array<ClaimedTimer> = []
          for (const row of due) {
            const abandoned = row.holder !== undefined
            if (claimed.length > 0 && (alone || abandoned)) continue
            const attempts = row.attempts + 1
            const until = now.steady + (attempts >= lease.poisonAttempts ? lease.longest : lease.millis)
            rows.set(row.id, { ...row, holder, attempts, steady: true, nextAt: until })
            const { id, payload, protocol, subject } = row
            claimed.push({ id, protocol, subject, payload, attempts, abandoned })
          }
          return Result.succeed(claimed)
        }),

      finish: (id, holder) => ofHolder(id, holder, () => rows.delete(id)),

      fail: (id, holder, { failure, now, wait }) =>
        ofHolder(id, holder, (row) =>
          rows.set(id, { ...row, holder: undefined, nextAt: now.steady + wait, lastFailure: failure })
        ),

      free: (now, poisonAttempts) =>
        attempt(() => {
          let freed = 0
          for (const row of rows) {
            if (row.holder === undefined || row.attempts >= poisonAttempts || untilOf(row, now) <= 0) continue
            rows.set(row.id, { ...row, nextAt: now.steady })
            freed++
          }
          return Result.succeed(freed)
        }),

      setAhead: (millis) => attempt(() => Result.succeed(ahead.set(0n, Math.max(aheadBy(), millis)))),

      list: (limit, protocol) =>
        attempt(() =>
          Result.succeed(
            [...rows]
              .filter((row) => protocol === undefined || row.protocol === protocol)
              .sort(by("dueAt"))
              .slice(0, limit)
              .map(({ attempts, dueAt, holder, id, lastFailure, protocol, subject }) => ({
                id,
                protocol,
                subject,
                dueAt,
                attempts,
                claimed: holder !== undefined,
                lastFailure
              }))
          )
        )
    })
  })
)
