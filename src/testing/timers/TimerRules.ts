/**
 * What a book of timers may say: each rings once, never before its time, and never once it was taken back or set anew;
 * and who takes one back is told the truth. Entry by entry, in the order of the commits.
 */
import type { Entry } from "./TimerBook.ts"

export const once = "a timer takes effect once"
export const inTime = "a timer keeps its time"
export const rings = "every timer takes effect"

export interface Wrong {
  readonly property: string
  readonly detail: string
}

export type SetEntry = Extract<Entry, { readonly _tag: "Set" }>

export class TimerRules {
  /** By id: what is set and has neither rung nor been taken back. */
  readonly pending = new Map<string, SetEntry>()
  readonly #early: number

  /** `early`: by how many milliseconds the clock may have been set back since a timer was set. */
  constructor(early: number) {
    this.#early = early
  }

  /** What is wrong with the next entry, if anything. */
  read(entry: Entry): Wrong | undefined {
    const known = this.pending.get(entry.id)
    if (entry._tag === "Set") {
      this.pending.set(entry.id, entry)
      return undefined
    }
    this.pending.delete(entry.id)
    if (entry._tag === "Cancelled") {
      if (entry.found === (known !== undefined)) return undefined
      const told = entry.found ? "was there" : "was not there"
      return { property: once, detail: `timer ${entry.id} was taken back, and its canceller was told that it ${told}` }
    }
    if (known?.key !== entry.key) {
      return { property: once, detail: `timer ${entry.id} rang as ${entry.key}, which was not set any more` }
    }
    const early = known.dueAt - entry.at
    return early > this.#early
      ? { property: inTime, detail: `timer ${entry.id} rang ${early} ms before its time` }
      : undefined
  }
}
