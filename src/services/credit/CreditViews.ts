/**
 * What users see of credit, each view one statement.
 */
import { Effect } from "effect"
import type { Cuid } from "../../protocol/credit/Chad.ts"
import type { ChitId } from "../../protocol/credit/Chit.ts"
import type { LiftId } from "../../protocol/credit/LiftPlan.ts"
import type { QueryId } from "../../protocol/credit/Route.ts"
import type { TallyId } from "../../protocol/credit/TallyDocument.ts"
import type { PageOptions, Part } from "../RecordTable.ts"
import { Records } from "../Records.ts"
import * as Tables from "./CreditTables.ts"
import * as Payments from "./Payments.ts"

/** Rows of one page at the most. */
export const mostRows = 256

/** Up to `limit` rows (`mostRows` at the most), behind the one that `after` names. */
export interface Paging<Key> {
  readonly after?: Key | undefined
  readonly limit: number
}

/** At least one row, since a page of none says nothing. */
const capped = (limit: number): number => Math.max(1, Math.min(mostRows, Math.floor(limit)))

const pageOf = (prefix: ReadonlyArray<Part>, { after, limit }: Paging<Part>): PageOptions => ({
  prefix,
  limit: capped(limit),
  ...(after === undefined ? {} : { after: [...prefix, after] })
})

/** The views as `Credit` has them. */
export const make = Effect.gen(function* () {
  const records = yield* Records
  /** The last of a user's rows by when they expire. */
  const newest = (prefix: ReadonlyArray<Part>, limit: number): PageOptions => ({
    prefix,
    limit: capped(limit),
    backwards: true
  })
  const reversed = <A>(rows: ReadonlyArray<A>): ReadonlyArray<A> => rows.toReversed()
  const chitsOf = (user: Cuid, tally: TallyId, index: "asked" | "loose", limit: number) =>
    records.page(Tables.chits, index, pageOf([user, tally], { limit }))

  return {
    user: (user: Cuid) => records.get(Tables.users, [user]),
    users: (paging: Paging<Cuid>) => records.page(Tables.users, "key", pageOf([], paging)),
    tally: (user: Cuid, tally: TallyId) => records.get(Tables.halves, [user, tally]),
    tallies: (user: Cuid, paging: Paging<TallyId>) => records.page(Tables.halves, "key", pageOf([user], paging)),
    chit: (user: Cuid, tally: TallyId, chit: ChitId) => records.get(Tables.chits, [user, tally, chit]),
    placed: (user: Cuid, tally: TallyId, paging: Paging<number>) =>
      records.page(Tables.chits, "place", pageOf([user, tally], paging)),
    moving: Effect.fnUntraced(function* (user: Cuid, tally: TallyId, limit: number) {
      const asked = yield* chitsOf(user, tally, "asked", limit)
      const left = capped(limit) - asked.length
      return left === 0 ? asked : [...asked, ...(yield* chitsOf(user, tally, "loose", left))]
    }),
    evidence: (user: Cuid, tally: TallyId, limit: number) =>
      records.page(Tables.evidence, "key", pageOf([user, tally], { limit })),
    tickets: (user: Cuid, limit: number) =>
      Effect.map(records.page(Tables.tickets, "holder", newest([user], limit)), reversed),
    requests: (user: Cuid, limit: number) =>
      Effect.map(records.page(Tables.requests, "user", newest([user], limit)), reversed),
    route: (user: Cuid, query: QueryId) => Effect.provideService(Payments.begun(user, query), Records, records),
    lift: (lift: LiftId) => records.get(Tables.lifts, [lift]),
    payment: Effect.fnUntraced(function* (user: Cuid, lift: LiftId) {
      const row = yield* records.get(Tables.payments, [lift])
      return row?.user === user ? row : undefined
    }),
    payments: (user: Cuid, paging: Paging<LiftId>) => records.page(Tables.payments, "user", pageOf([user], paging))
  }
})
