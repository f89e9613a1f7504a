/**
 * Over which of their tallies value can come back to a user who begins a circle: those on which they owe come first, the most owed
 * before the others, since that is what a circle clears.
 */
import { Effect } from "effect"
import { room } from "../../protocol/credit/Capacity.ts"
import type { Cuid } from "../../protocol/credit/Chad.ts"
import { other } from "../../protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import { Records } from "../Records.ts"
import * as Tables from "./CreditTables.ts"

/** Halves of a user that are looked at. */
const mostHalves = 256

const owes = ({ side, sums }: TallyHalf): bigint => (side === "foil" ? sums.net : -sums.net)

const isBefore = (one: TallyHalf, two: TallyHalf): boolean =>
  owes(one) === owes(two) ? one.id < two.id : owes(one) > owes(two)

/** Those with room for so much, the best first. */
export const closings = (halves: ReadonlyArray<TallyHalf>, units: bigint): ReadonlyArray<TallyHalf> =>
  halves
    .filter((half) => half.partner !== undefined && room(half, other(half.side), "lift") >= units)
    .toSorted((one, two) => (isBefore(one, two) ? -1 : 1))

/** What a query in a circle aims at; `at` counts from 0: the best one, the next one, and so on. */
export const aim = Effect.fnUntraced(function* (holder: Cuid, units: bigint, at: number) {
  const halves = yield* (yield* Records).page(Tables.halves, "key", { prefix: [holder], limit: mostHalves })
  const closing = closings(halves, units)[at]
  return closing && { closing }
})
