/**
 * How nodes take the end of what they read: at once, and for what it is. Input that ends within a record was cut off,
 * whoever did it; nobody's word ends there.
 */
import type { Transition } from "../../services/link/Transition.ts"
import type { FaultPlan } from "../faults/FaultPlan.ts"
import { linkConfig } from "../faults/Knobs.ts"
import type { Way } from "./Dials.ts"
import { trueReason } from "./Farewells.ts"
import type { Line } from "./Line.ts"
import type { Listening } from "./ListenedTransport.ts"
import { PresentLives } from "./PresentLives.ts"
import type { Watching } from "./Scenario.ts"

export const noticed = "an end is noticed"

/** Microseconds, besides the time-outs of the last words. */
const grace = 1_000_000

const keyOf = ({ direction, remote }: Pick<Line, "direction" | "remote">): string => `${direction} ${remote}`

export class Endings implements Listening {
  readonly #watching: Watching
  /** Microseconds within which a connection ends whose input is over. */
  readonly #bound: number
  readonly #lines = new PresentLives(() => new Map<string, Line>())
  /** Those that are over and whose node has not ended the connection, and since when that is its own doing. */
  readonly #open = new Map<Line, number>()

  constructor(watching: Watching, { knobs = {} }: FaultPlan) {
    const { lingerTimeout, writeTimeout } = linkConfig(knobs)
    this.#watching = watching
    this.#bound = (writeTimeout + lingerTimeout) * 1_000 + grace
  }

  readonly opened = (line: Line): void => {
    this.#lines.of(line.node, line.life).set(keyOf(line), line)
  }

  /** Whoever was cut off says so to its peer, behind all that is queued: that may take any time. */
  readonly over = (line: Line): void => {
    if (!line.inside) this.#open.set(line, this.#watching.view.now)
  }

  readonly closed = (line: Line): void => {
    this.#open.delete(line)
    const lines = this.#lines.of(line.node, line.life)
    if (lines.get(keyOf(line)) === line) lines.delete(keyOf(line))
  }

  transition({ life, node, to: who }: Way, transition: Transition): void {
    if (transition.to !== "closed") return
    const line = this.#lines.of(node, life).get(keyOf(transition))
    if (line === undefined) return
    this.#open.delete(line)
    if (transition.reason !== "closed" || !line.over || !line.inside) return
    this.#watching.violated(trueReason, `${node} takes it for an end that ${who} was cut off within a record`)
  }

  /** The time in which it stood still is not the node's. */
  resumed(node: string): void {
    for (const line of this.#open.keys()) if (line.node === node) this.#open.set(line, this.#watching.view.now)
  }

  /** Nothing can run before time moves. */
  look(): void {
    if (this.#open.size === 0) return
    const { nodes, now } = this.#watching.view
    for (const [line, since] of this.#open) {
      const node = nodes.find(({ name }) => name === line.node)
      if (node?.life !== line.life || node.state === "dead") this.#open.delete(line)
      else if (node.state === "running" && now - since > this.#bound) {
        const where = `${line.direction === "inbound" ? "from" : "to"} ${line.remote}`
        const words = `${line.node} still has a connection ${where} that has ended ${(now - since) / 1_000} ms ago`
        return this.#watching.violated(noticed, words)
      }
    }
  }
}
