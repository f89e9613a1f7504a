/** What faults make of dials: which are refused, left hanging, delayed, or accepted only to be reset. */
import type { Rng } from "../world/Rng.ts"
import type { Select } from "./Impairment.ts"

export interface DialFault {
  readonly how: "refuse" | "hang" | "slow" | "accept-then-reset"
  /** Of the dials, from 0 to 1. */
  readonly share: number
  /** Milliseconds more, with `slow`; a second if it is 0 or not said. */
  readonly takes?: number | undefined
}

const usuallySlow = 1_000

/** What becomes of one dial. */
export interface Fate {
  readonly how: "connect" | Exclude<DialFault["how"], "slow">
  /** Microseconds before it begins. */
  readonly late: number
}

interface Rule extends DialFault {
  readonly select: Select
  readonly random: Rng
  touched: number
}

export class DialRules {
  readonly #dice: () => Rng
  readonly #rules = new Set<Rule>()

  /** `dice` are for faults that bring none of their own. */
  constructor(dice: () => Rng) {
    this.#dice = dice
  }

  /** Returns what ends it, and says how many dials have felt it. */
  add(select: Select, fault: DialFault, random: Rng = this.#dice()): () => number {
    const rule: Rule = { ...fault, select, random, touched: 0 }
    this.#rules.add(rule)
    return () => {
      this.#rules.delete(rule)
      return rule.touched
    }
  }

  /** The first fault that it meets decides; delays add up. */
  decide(from: string, to: string): Fate {
    let late = 0
    for (const rule of this.#rules) {
      if (!rule.select(from, to) || !rule.random.chance(Math.round(rule.share * 1e6))) continue
      rule.touched++
      if (rule.how !== "slow") return { how: rule.how, late }
      late += (rule.takes || usuallySlow) * 1_000
    }
    return { how: "connect", late }
  }

  heal(): void {
    this.#rules.clear()
  }
}
