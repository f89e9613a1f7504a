/**
 * Many kill rounds: runs of at most `perRun` rounds, each on new databases and with the next seed, and each ended by the
 * accounting. The first run with a fault is the last one.
 */
import { faults } from "./Pair.ts"
import type { Driver } from "./Places.ts"
import { type Kill, killFigures, type Outcome, run } from "./Rounds.ts"
import { plan, victims } from "./Strikes.ts"

/** Rounds between two accountings. */
export const perRun = 40

export interface Options {
  readonly driver: Driver
  readonly rounds: number
  readonly seed: number
  readonly progress: (line: string) => void
}

export interface Report {
  readonly figures: object
  readonly faults: ReadonlyArray<string>
  /** The seed and the rounds that show the faults again. */
  readonly again: { readonly seed: number; readonly rounds: number }
}

const sum = (outcomes: ReadonlyArray<Outcome>, of: (outcome: Outcome) => number): number =>
  outcomes.reduce((total, outcome) => total + of(outcome), 0)

/** What all runs together have sent, and what became of it. */
const totals = (outcomes: ReadonlyArray<Outcome>) => {
  const both = (of: (balance: Outcome["balances"]["a to b"]) => number) =>
    sum(outcomes, ({ balances }) => of(balances["a to b"]) + of(balances["b to a"]))
  return {
    sent: both((it) => it.sent),
    due: both((it) => it.due),
    once: both((it) => it.once),
    lost: both((it) => it.lost.length),
    doubled: both((it) => it.doubled.length),
    disordered: both((it) => it.disordered.length),
    misinformed: both((it) => it.misinformed.length),
    duplicatesSuppressed: sum(outcomes, ({ books }) => books.a.duplicates + books.b.duplicates),
    stillOwed: sum(outcomes, ({ books }) => books.a.owed + books.b.owed)
  }
}

export const soak = async ({ driver, progress, rounds, seed }: Options): Promise<Report> => {
  const outcomes: Array<Outcome> = []
  const kills: Array<Kill> = []
  const figures = () => ({ database: driver, seed, ...killFigures(kills), ...totals(outcomes) })
  for (let done = 0, at = seed; done < rounds; at++) {
    const now = Math.min(perRun, rounds - done)
    progress(`seed ${at} on ${driver}: ${now} rounds, ${done} of ${rounds} done`)
    const again = { seed: at, rounds: now }
    try {
      const outcome = await run({ driver, seed: at, rounds: plan(at, now, victims[driver]), progress })
      outcomes.push(outcome)
      kills.push(...outcome.kills)
      const found = faults(outcome)
      if (found.length > 0) return { figures: figures(), faults: found, again }
    } catch (cause) {
      return {
        figures: figures(),
        faults: [cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)],
        again
      }
    }
    done += now
  }
  return { figures: figures(), faults: [], again: { seed, rounds } }
}
