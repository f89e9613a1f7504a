/**
 * How many dials a node makes in all, whoever they are for: a burst, and then so many a second.
 */
import { TokenBucket } from "../../protocol/link/TokenBucket.ts"
import type { FaultPlan } from "../faults/FaultPlan.ts"
import { linkConfig } from "../faults/Knobs.ts"
import type { Way } from "./Dials.ts"
import { PresentLives } from "./PresentLives.ts"
import type { Watching } from "./Scenario.ts"

export const keptRate = "dials keep their rate"

/** How much faster than the world's a node's clock may be. */
const fast = 1.02

export class DialRate {
  readonly #watching: Watching
  readonly #buckets: PresentLives<TokenBucket>

  constructor(watching: Watching, { knobs = {} }: FaultPlan) {
    const { dialRate, maxDials } = linkConfig(knobs)
    // Those that had their turn when the node stood still begin together when it goes on.
    const rate = { burst: dialRate.burst + maxDials, perSecond: dialRate.perSecond * fast }
    this.#watching = watching
    this.#buckets = new PresentLives(() => new TokenBucket(rate, this.#millis))
  }

  /** A dial begins. */
  dial({ life, node, to }: Way): void {
    const bucket = this.#buckets.of(node, life)
    if (bucket.take(this.#millis)) return
    const { burst, perSecond } = bucket.rate
    this.#watching.violated(keptRate, `${node} dials ${to}, after ${burst} at once and ${perSecond} a second`)
  }

  get #millis(): number {
    return this.#watching.view.now / 1_000
  }
}
