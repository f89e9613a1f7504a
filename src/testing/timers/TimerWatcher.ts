/**
 * Watches the books of timers of all nodes from outside, commit by commit, by `TimerRules`; and while nothing is wrong,
 * that a timer rings as soon as its time has come: a commit wakes who runs them.
 *
 * It looks into databases in memory only. What the nodes of SQL databases wrote is read at the end.
 */
import { isDeepStrictEqual } from "node:util"
import type { Watcher, Watching } from "../cluster/Scenario.ts"
import type { SimulatedDatabase } from "../database/SimulatedDatabase.ts"
import type { FaultPlan } from "../faults/FaultPlan.ts"
import { calm } from "../network/NetModel.ts"
import { bookIn, type Entry } from "./TimerBook.ts"
import { type SetEntry, TimerRules } from "./TimerRules.ts"

export const prompt = "a timer is prompt"
/** Milliseconds, for who runs a few of them one after the other. */
const promptly = 2_000

interface Reading {
  readonly rules: TimerRules
  read: number
}

export class TimerWatcher implements Watcher {
  readonly #watching: Watching
  readonly #plan: FaultPlan
  readonly #calm: boolean
  readonly #readings = new Map<string, Reading>()

  constructor(watching: Watching, plan: FaultPlan) {
    this.#watching = watching
    this.#plan = plan
    this.#calm = plan.faults.length === 0 && plan.knobs === undefined && isDeepStrictEqual(plan.network, calm)
  }

  readonly committed = (node: string, { memory }: SimulatedDatabase): void => {
    if (memory === undefined) return
    const book = bookIn.of(memory)
    const reading = this.#reading(node)
    while (reading.read < book.size) {
      const entry = book.get(BigInt(++reading.read))
      if (entry !== undefined) this.#entry(node, reading.rules, entry)
    }
  }

  readonly restored = (node: string): void => void this.#readings.delete(node)

  #reading(node: string): Reading {
    const known = this.#readings.get(node)
    if (known !== undefined) return known
    const reading = { rules: new TimerRules(setBack(this.#plan, node)), read: 0 }
    this.#readings.set(node, reading)
    return reading
  }

  #entry(node: string, rules: TimerRules, entry: Entry): void {
    const before = rules.pending.get(entry.id)
    const wrong = rules.read(entry)
    this.#watching.count(`timers: ${entry._tag}`)
    this.#watching.note(node, "timer", { what: entry._tag, id: entry.id })
    if (wrong !== undefined) this.#watching.violated(wrong.property, `${node}: ${wrong.detail}`)
    else if (entry._tag === "Rang" && before !== undefined) this.#late(node, before, entry.at)
  }

  #late(node: string, { dueAt, id, plain }: SetEntry, at: number): void {
    if (!this.#calm || !plain || at - dueAt <= promptly) return
    this.#watching.violated(prompt, `${node}: timer ${id} rang ${at - dueAt} ms after its time`)
  }
}

/** By how many milliseconds the clock of a node is set back in all. */
const setBack = ({ faults }: FaultPlan, node: string): number => {
  let millis = 0
  for (const { fault } of faults) if (fault._tag === "ClockStep" && fault.node === node) millis -= Math.min(0, fault.by)
  return millis
}
