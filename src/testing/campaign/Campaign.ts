/**
 * Many seeds of one simulation: what failed, what was seen, and what was never seen although it should have been.
 *
 * A campaign adds results up in the order of their seeds, whoever ran them, and keeps no more of each than it needs.
 */
import type { FaultPlan } from "../faults/FaultPlan.ts"
import type { Result } from "../cluster/Result.ts"
import { isFailure, type Verdict } from "../cluster/Verdict.ts"

/** What a campaign keeps of one run. Plain data: it may come from another process. */
export interface Run {
  readonly seed: number
  readonly verdict: Verdict
  readonly hash: string
  readonly events: number
  readonly virtualMillis: number
  readonly sometimes: Readonly<Record<string, number>>
  readonly figures: Readonly<Record<string, number>>
}

export const runOf = ({ events, figures, hash, seed, sometimes, verdict, virtualMillis }: Result): Run => ({
  seed,
  verdict,
  hash,
  events,
  virtualMillis,
  sometimes,
  figures
})

/** A seed that failed, with what it needs to be run again. */
export interface Failure {
  readonly run: Run
  readonly plan: FaultPlan
}

export interface Totals {
  readonly runs: number
  readonly failed: number
  readonly hopeless: number
  readonly events: number
  readonly virtualMillis: number
  readonly distinctHashes: number
  /** In how many runs each declared `sometimes` came true. */
  readonly sometimes: Readonly<Record<string, number>>
  /** Declared and never seen. */
  readonly unseen: ReadonlyArray<string>
  readonly figures: Readonly<Record<string, number>>
}

/** Failures of which the plans are kept; the others are counted. */
const keptFailures = 32

export class Campaign {
  readonly failures: Array<Failure> = []
  #runs = 0
  #failed = 0
  #hopeless = 0
  #events = 0
  #virtualMillis = 0
  readonly #hashes = new Set<string>()
  readonly #sometimes = new Map<string, number>()
  readonly #figures = new Map<string, number>()

  /** `sometimes`: what must come true in some run. */
  constructor(sometimes: ReadonlyArray<string>) {
    for (const name of sometimes) this.#sometimes.set(name, 0)
  }

  add(run: Run, plan: () => FaultPlan): void {
    this.#runs++
    this.#events += run.events
    this.#virtualMillis += run.virtualMillis
    this.#hashes.add(run.hash)
    if (run.verdict._tag === "Hopeless") this.#hopeless++
    for (const [name, times] of Object.entries(run.sometimes)) {
      if (times > 0) this.#sometimes.set(name, (this.#sometimes.get(name) ?? 0) + 1)
    }
    for (const [name, value] of Object.entries(run.figures)) {
      this.#figures.set(name, (this.#figures.get(name) ?? 0) + value)
    }
    if (!isFailure(run.verdict)) return
    this.#failed++
    if (this.failures.length < keptFailures) this.failures.push({ run, plan: plan() })
  }

  get totals(): Totals {
    return {
      runs: this.#runs,
      failed: this.#failed,
      hopeless: this.#hopeless,
      events: this.#events,
      virtualMillis: this.#virtualMillis,
      distinctHashes: this.#hashes.size,
      sometimes: Object.fromEntries(this.#sometimes),
      unseen: [...this.#sometimes].flatMap(([name, runs]) => (runs === 0 ? [name] : [])),
      figures: Object.fromEntries([...this.#figures].sort(([a], [b]) => (a < b ? -1 : 1)))
    }
  }
}
