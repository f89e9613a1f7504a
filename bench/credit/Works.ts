/** What the credit benchmark does, and what is asked of it. */
import type { Bar } from "../Bars.ts"

export const contender = "holdfast, PostgreSQL"

/** The side that pledges: foil's chits have their place at once, those of stock are proposed first. */
export type By = "foil" | "stock"

export const chits = (by: By): string => `chits of ${by} on one tally`
export const lifts = "lifts over 3 sites, way found and paid"
export const long = "a new chit on a long tally"

export const rate = "rate"
export const cpu = "CPU of both nodes"
export const asked = "statements of both nodes"
export const statements = "statements of both nodes, longest : shortest"
export const growth = "CPU of both nodes, longest : shortest"

/** How much of everything. */
export const amounts = (quick: boolean) =>
  quick
    ? { chits: 200, inFlight: 16, lifts: 8, liftsInFlight: 4, paced: 5, lengths: [10, 100], measured: 10 }
    : {
        chits: 2_000,
        inFlight: 64,
        lifts: 160,
        liftsInFlight: 16,
        paced: 100,
        lengths: [10, 100, 1_000, 10_000],
        measured: 100
      }
export type Amounts = ReturnType<typeof amounts>

export const columns = ["chits on the tally", "statements a chit", "CPU a chit, us", "p50 of a chit, us"]

/** The work for a new chit must not grow with the chain. Statements are counted; times are the machine's as well. */
export const bars: ReadonlyArray<Bar> = [
  { ours: { work: long, metric: statements, contender }, asked: 1 },
  { ours: { work: long, metric: growth, contender }, asked: 1.25 }
]
