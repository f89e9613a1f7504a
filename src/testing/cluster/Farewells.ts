/**
 * A node that stops in good order says so: where nothing else is wrong, its peers' sessions with it end with its GOODBYE
 * and for no other reason.
 */
import { isDeepStrictEqual } from "node:util"
import type { Transition } from "../../services/link/Transition.ts"
import type { FaultPlan } from "../faults/FaultPlan.ts"
import { calm } from "../network/NetModel.ts"
import type { Watching } from "./Scenario.ts"

export const trueReason = "an end has its true reason"

/** Faults that leave something behind when they are over. */
const lasting: ReadonlyArray<string> = ["Silence", "Move", "Exhaustion", "Backlog"]

/** A node that was asked to stop, and the connections that its peers had with it. */
interface Leaving {
  readonly node: string
  /** Faults that had begun by then. */
  readonly begun: number
  /** By the peer's name. */
  readonly connections: ReadonlyMap<string, number>
}

/** As a `FaultEngine` counts them: those that are at work, and those that have begun so far. */
interface Faults {
  readonly active: number
  readonly begun: number
}

export class Farewells {
  readonly #watching: Watching
  readonly #judges: boolean
  #leaving: Leaving | undefined

  constructor(watching: Watching, { faults, knobs, network }: FaultPlan) {
    this.#watching = watching
    this.#judges =
      knobs === undefined &&
      isDeepStrictEqual(network, calm) &&
      faults.every(({ fault }) => !lasting.includes(fault._tag))
  }

  /**
   * A node is asked to stop. `connections`: those that its peers have with it, by their names, where both mean the same
   * session.
   */
  stops(node: string, connections: ReadonlyMap<string, number>, { active, begun }: Faults): void {
    this.#leaving = this.#judges && active === 0 ? { node, begun, connections } : undefined
  }

  /** `begun`: faults that have begun so far. */
  transition(node: string, who: string, transition: Transition, begun: number): void {
    const { connection, detail = "", from, reason, to } = transition
    const leaving = this.#leaving
    // Whatever ends after another fault may end by it.
    if (leaving?.node !== who || leaving.begun !== begun || to !== "closed" || from !== "active") return
    if (leaving.connections.get(node) !== connection || reason === "goodbye") return
    this.#watching.violated(
      trueReason,
      `${who} has stopped in good order, and ${node} has noticed "${reason}": ${detail}`
    )
  }
}
