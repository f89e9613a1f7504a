/**
 * When nodes dial again after dials that failed: at random within a bound that grows, so that a crowd which has lost the
 * same peer neither comes back in one moment nor goes on as if nothing were wrong.
 *
 * Both are judged by many waits at once: by chance either takes more runs than anybody will make.
 */
import type { DialReason } from "../../services/link/Transport.ts"
import type { FaultPlan } from "../faults/FaultPlan.ts"
import { linkConfig } from "../faults/Knobs.ts"
import type { Watching } from "./Scenario.ts"

export const spread = "dials are spread"
export const keptBackOff = "back-off is kept"

/** Waits as long as the bound allows that are too many, if they are most of all. */
const mostExact = 4
/** Failures in a row after which the bound is long, and waits after them that cannot all be short. */
const [longAfter, judged] = [6, 5]
/** Milliseconds below which somebody has asked for the dial. */
const leastWait = 10
/** Milliseconds by which a timer may be late. */
const tolerance = 1

interface Dialling {
  failedAt: number | undefined
  failures: number
  /** Short waits in a row since the bound is long. */
  short: number
}

export class Dials {
  readonly #watching: Watching
  readonly #base: number
  /** A plan makes the code wait as long as it may, or not at all. */
  readonly #forced: boolean
  readonly #dialling = new Map<string, Dialling>()
  #waits = 0
  #exact = 0

  constructor(watching: Watching, { faults, knobs = {} }: FaultPlan) {
    this.#watching = watching
    this.#base = linkConfig(knobs).redial.baseMillis
    this.#forced = faults.some(({ fault }) => fault._tag === "Buggify" && fault.site.startsWith("link.redialled"))
  }

  /** `from` names a life of a node; `at` in milliseconds. */
  dial(from: string, to: string, at: number): void {
    const dialling = this.#of(from, to)
    const { failedAt } = dialling
    dialling.failedAt = undefined
    if (failedAt === undefined) return
    if (this.#forced) return
    this.#judgeSpread(from, to, at - failedAt)
    this.#judgeBackOff(from, to, dialling, at - failedAt)
  }

  failed(from: string, to: string, reason: DialReason, at: number): void {
    const dialling = this.#of(from, to)
    // Of a process that is no more.
    if (reason === "other") return this.connected(from, to)
    dialling.failures++
    dialling.failedAt = at
  }

  /** A session between the two has ended. */
  ended(from: string, to: string, at: number): void {
    this.#of(from, to).failedAt = at
  }

  /** The two have a session. */
  connected(from: string, to: string): void {
    this.#dialling.delete(`${from} ${to}`)
  }

  #judgeSpread(from: string, to: string, wait: number): void {
    if (this.#base < 500 || wait < leastWait) return
    this.#waits++
    const doublings = Math.round(Math.log2(Math.max(1, wait) / this.#base))
    const bound = this.#base * 2 ** doublings
    if (doublings < 0 || bound > 32_000 || Math.abs(wait - bound) > tolerance) return
    this.#exact++
    if (this.#exact < mostExact || this.#exact * 2 <= this.#waits) return
    this.#watching.violated(spread, `${from} has waited ${wait} ms for ${to}, ${this.#exact} such of ${this.#waits}`)
  }

  #judgeBackOff(from: string, to: string, dialling: Dialling, wait: number): void {
    if (dialling.failures < longAfter || this.#base > 1_000) return
    dialling.short = wait < 2 * this.#base ? dialling.short + 1 : 0
    if (dialling.short < judged) return
    this.#watching.violated(
      keptBackOff,
      `${from} has dialled ${to} ${dialling.failures} times in vain and the last waits were under ${2 * this.#base} ms`
    )
  }

  #of(from: string, to: string): Dialling {
    const key = `${from} ${to}`
    let dialling = this.#dialling.get(key)
    if (dialling === undefined) this.#dialling.set(key, (dialling = { failedAt: undefined, failures: 0, short: 0 }))
    return dialling
  }
}
