/**
 * When nodes dial again after dials that failed: at random within a bound that grows, so that a crowd which has lost the
 * same peer neither comes back in one moment nor goes on as if nothing were wrong.
 *
 * Both are judged by many waits at once: by chance either takes more runs than anybody will make.
 */
import type { DialReason } from "../../services/link/Transport.ts"
import type { FaultPlan } from "../faults/FaultPlan.ts"
import { linkConfig } from "../faults/Knobs.ts"
import { PresentLives } from "./PresentLives.ts"
import type { Watching } from "./Scenario.ts"

export const spread = "dials are spread"
export const keptBackOff = "back-off is kept"

/** Waits as long as the bound allows that are too many, if they are most of all. */
const mostExact = 4
/** Failures in a row after which the bound is long, and waits after them that cannot all be short. */
const [longAfter, judged] = [6, 5]
/** Milliseconds below which a wait is none: somebody has asked for the dial. */
const leastWait = 10
/** Milliseconds by which a timer may be late. */
const tolerance = 1

/** From a life of a node to a peer. */
export interface Way {
  readonly node: string
  readonly life: number
  readonly to: string
}

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
  /** By the peer. */
  readonly #dialling = new PresentLives(() => new Map<string, Dialling>())
  #waits = 0
  #exact = 0

  constructor(watching: Watching, { faults, knobs = {} }: FaultPlan) {
    this.#watching = watching
    this.#base = linkConfig(knobs).redial.baseMillis
    this.#forced = faults.some(({ fault }) => fault._tag === "Buggify" && fault.site.startsWith("link.redialled"))
  }

  /** A dial begins, `at` this millisecond. */
  dial(way: Way, at: number): void {
    const dialling = this.#of(way)
    const { failedAt } = dialling
    dialling.failedAt = undefined
    if (failedAt === undefined || this.#forced || at - failedAt < leastWait) return
    this.#judgeSpread(way, at - failedAt)
    this.#judgeBackOff(way, dialling, at - failedAt)
  }

  failed(way: Way, reason: DialReason, at: number): void {
    const dialling = this.#of(way)
    // Of a process that is no more.
    if (reason === "other") return this.connected(way)
    dialling.failures++
    dialling.failedAt = at
  }

  /** A session between the two has ended. */
  ended(way: Way, at: number): void {
    this.#of(way).failedAt = at
  }

  /** The two have a session. */
  connected({ life, node, to }: Way): void {
    this.#dialling.of(node, life).delete(to)
  }

  #judgeSpread({ node, to }: Way, wait: number): void {
    if (this.#base < 500) return
    this.#waits++
    const doublings = Math.round(Math.log2(wait / this.#base))
    const bound = this.#base * 2 ** doublings
    if (doublings < 0 || bound > 32_000 || Math.abs(wait - bound) > tolerance) return
    this.#exact++
    if (this.#exact < mostExact || this.#exact * 2 <= this.#waits) return
    this.#watching.violated(spread, `${node} has waited ${wait} ms for ${to}, ${this.#exact} such of ${this.#waits}`)
  }

  #judgeBackOff({ node, to }: Way, dialling: Dialling, wait: number): void {
    if (dialling.failures < longAfter || this.#base > 1_000) return
    dialling.short = wait < 2 * this.#base ? dialling.short + 1 : 0
    if (dialling.short < judged) return
    this.#watching.violated(
      keptBackOff,
      `${node} has dialled ${to} ${dialling.failures} times in vain and the last waits were under ${2 * this.#base} ms`
    )
  }

  #of({ life, node, to }: Way): Dialling {
    const ways = this.#dialling.of(node, life)
    let dialling = ways.get(to)
    if (dialling === undefined) ways.set(to, (dialling = { failedAt: undefined, failures: 0, short: 0 }))
    return dialling
  }
}
