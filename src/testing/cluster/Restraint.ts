/**
 * How long a node leaves a peer alone: until the time that the peer has named when it left, and for a while after too
 * many sessions that came to nothing.
 *
 * Only sessions that the node has dialled itself count: it has concluded them before it dials again.
 */
import type { Transition } from "../../services/link/Transition.ts"
import type { FaultPlan } from "../faults/FaultPlan.ts"
import { linkConfig } from "../faults/Knobs.ts"
import type { Way } from "./Dials.ts"
import { PresentLives } from "./PresentLives.ts"
import type { Watching } from "./Scenario.ts"

export const awaited = "an announced return is awaited"
export const leftAlone = "a flapping peer is left alone"

/** Of a time on a node's clock, what has passed in the world at least. */
const surely = 0.98
/** When a node that stops asks its peers to come back, in milliseconds. */
const returnSoon = 1_000

/** Of one peer; times are milliseconds. */
interface Dealings {
  /** When it said that it stops, if nothing has come since. */
  left: number | undefined
  /** When the last sessions began, oldest first: since one that was stable or that the peer had dialled. */
  starts: ReadonlyArray<number>
}

export class Restraint {
  readonly #watching: Watching
  readonly #stable: number
  readonly #starts: number
  readonly #window: number
  readonly #dealings = new PresentLives(() => new Map<string, Dealings>())

  constructor(watching: Watching, { knobs = {} }: FaultPlan) {
    const { heartbeat, redial } = linkConfig(knobs)
    this.#watching = watching
    this.#stable = Math.max(heartbeat.stable, 2 * heartbeat.interval) * surely
    this.#starts = redial.starts
    this.#window = Math.min(redial.windowMillis, redial.openMillis) * surely
  }

  transition(way: Way, { detail = "", direction, from, reason, to }: Transition): void {
    const dealings = this.#of(way)
    if (to === "active") {
      dealings.left = undefined
      dealings.starts = direction === "outbound" ? [...dealings.starts, this.#now].slice(-this.#starts - 1) : []
    } else if (from === "active" && direction === "outbound") {
      if (this.#now - (dealings.starts.at(-1) ?? 0) >= this.#stable) dealings.starts = []
      if (reason === "goodbye" && detail.startsWith("shutdown:")) dealings.left = this.#now
    }
  }

  /** A dial begins. */
  dial(way: Way): void {
    const { left, starts } = this.#of(way)
    const { node, to } = way
    if (left !== undefined && this.#now - left < returnSoon * surely) {
      this.#watching.violated(awaited, `${node} dials ${to} ${this.#now - left} ms after its goodbye`)
    }
    if (starts.length > this.#starts && this.#now - starts[0]! < this.#window) {
      const times = starts.map((at) => this.#now - at).join(", ")
      this.#watching.violated(leftAlone, `${node} dials ${to}, to which sessions began ${times} ms ago`)
    }
  }

  #of({ life, node, to }: Way): Dealings {
    const peers = this.#dealings.of(node, life)
    let dealings = peers.get(to)
    if (dealings === undefined) peers.set(to, (dealings = { left: undefined, starts: [] }))
    return dealings
  }

  get #now(): number {
    return this.#watching.view.now / 1_000
  }
}
