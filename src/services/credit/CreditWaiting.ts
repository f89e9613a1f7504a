/**
 * What waits in the credit of a node, for people, for other nodes, or for the end of a lift: how much of each kind, and since when the
 * oldest does. Read from the tables, at most 1,000 rows of each kind, so that it costs the same however much there is: for metrics, not
 * for each request.
 */
import { Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { maxPage } from "../RecordTable.ts"
import { Records } from "../Records.ts"
import * as Concerns from "./Concerns.ts"
import * as Tables from "./CreditTables.ts"

/** Those of `Concerns`, which wait for a person, and those that wait for other nodes or for a lift's end. */
export const kinds = [
  "tally.requested",
  "tally.received",
  "tally.trouble",
  "chit.asked",
  "ticket.refused",
  "lift.pending",
  "lift.promised",
  "payment.seeking",
  "payment.lifting",
  "referee.undecided",
  "chit.unplaced",
  "node.owed"
] as const
export type Kind = (typeof kinds)[number]

export interface Waiting {
  /** 1,000 stands for as many or more. */
  readonly count: number
  /** Milliseconds since 1970, of the oldest among those that were read; none where nothing waits, or it is not known. */
  readonly since: number | undefined
}

export type CreditWaiting = ReadonlyMap<Kind, Waiting>

interface One {
  readonly kind: Kind
  readonly since: number | undefined
}

const known: ReadonlySet<string> = new Set(kinds)
const isKind = (kind: string): kind is Kind => known.has(kind)

const summed = (all: ReadonlyArray<One>): CreditWaiting => {
  const found = new Map<Kind, Waiting>(kinds.map((kind) => [kind, { count: 0, since: undefined }]))
  for (const { kind, since } of all) {
    const { count, since: oldest } = found.get(kind)!
    const earliest = since === undefined ? oldest : Math.min(since, oldest ?? since)
    found.set(kind, { count: Math.min(maxPage, count + 1), since: earliest })
  }
  return found
}

const page = { limit: maxPage }

const lifts = Effect.gen(function* () {
  const records = yield* Records
  const asking = yield* records.page(Tables.lifts, "wake", page)
  const promised = asking.filter(({ status }) => status === "promised")
  const undecided = yield* records.page(Tables.referees, "undecided", page)
  const payments = yield* records.page(Tables.payments, "current", page)
  return [
    ...promised.map(({ plan }): One => ({ kind: "lift.promised", since: plan.date })),
    ...undecided.map(({ plan }): One => ({ kind: "referee.undecided", since: plan.date })),
    ...payments.map(({ begun, status }): One => {
      return { kind: status === "seeking" ? "payment.seeking" : "payment.lifting", since: begun }
    })
  ]
})

const chits = Effect.gen(function* () {
  const records = yield* Records
  const loose = yield* records.page(Tables.chits, "loose", page)
  const repairs = yield* records.page(Tables.repairs, "key", page)
  const owed = repairs.filter(({ attempts }) => attempts > 0)
  return [
    ...loose.map(({ changed }): One => ({ kind: "chit.unplaced", since: changed })),
    ...owed.map((): One => ({ kind: "node.owed", since: undefined }))
  ]
})

/** All of it, as it is now. */
export const read: Effect.Effect<CreditWaiting, SqlError, Records> = Effect.gen(function* () {
  const concerns = yield* Concerns.all
  const people = concerns.flatMap(({ kind, since }): ReadonlyArray<One> => (isKind(kind) ? [{ kind, since }] : []))
  return summed([...people, ...(yield* lifts), ...(yield* chits)])
})
