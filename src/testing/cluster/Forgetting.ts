/**
 * What a stable session makes up for: failures from before it count no more when its peer is dialled the next time.
 *
 * Judged at a dial, by what the supervisor counts then and what can have failed since that session began. Only sessions
 * that the node has dialled itself count: it has concluded them before it dials again.
 */
import type { Connection } from "../../services/link/Connection.ts"
import type { Transition } from "../../services/link/Transition.ts"
import type { FaultPlan } from "../faults/FaultPlan.ts"
import { linkConfig } from "../faults/Knobs.ts"
import { keptBackOff, type Way } from "./Dials.ts"
import { PresentLives } from "./PresentLives.ts"
import type { Watching } from "./Scenario.ts"

/** How much longer than needed a session must have lasted, whatever the node's clock. */
const surely = 1.02
/** Ends from before a session that may be counted after it. */
const belated = 1

/** Of one peer. */
interface History {
  session: { readonly id: number; readonly since: number; readonly dialled: boolean } | undefined
  connection: Connection | undefined
  /** Dials, and connections that have ended, since the present session began. */
  ends: number
  /** The same since the last stable one began; `undefined` before any. */
  stable: number | undefined
}

export class Forgetting {
  readonly #watching: Watching
  /** Microseconds. */
  readonly #stable: number
  readonly #histories = new PresentLives(() => new Map<string, History>())

  constructor(watching: Watching, { knobs = {} }: FaultPlan) {
    const { interval, stable } = linkConfig(knobs).heartbeat
    this.#watching = watching
    this.#stable = Math.max(stable, 2 * interval) * 1_000 * surely
  }

  /** A frame came in on the session. */
  heard(way: Way, connection: Connection): void {
    this.#of(way).connection = connection
  }

  transition(way: Way, { connection, direction, from, to }: Transition): void {
    const history = this.#of(way)
    if (to === "active") {
      history.session = { id: connection, since: this.#watching.view.now, dialled: direction === "outbound" }
      history.ends = 0
    } else if (to === "closed") {
      if (from === "active" && this.#wasStable(history, connection)) history.stable = history.ends
      else this.#end(history)
    }
  }

  /** A dial begins. `counted` tells how many failures of the peer the node's supervisor counts now. */
  dial(way: Way, counted: () => number): void {
    const history = this.#of(way)
    const { stable } = history
    if (stable !== undefined) this.#judge(way, counted(), stable)
    this.#end(history)
  }

  #judge({ node, to }: Way, failures: number, ends: number): void {
    if (failures <= ends + belated) return
    this.#watching.violated(
      keptBackOff,
      `${node} counts ${failures} failures of ${to}, and ${ends} can have failed since their last stable session began`
    )
  }

  #wasStable({ connection, session }: History, id: number): boolean {
    if (session?.id !== id || !session.dialled || connection?.id !== id) return false
    return connection.heartbeat.matched > 0 && this.#watching.view.now - session.since >= this.#stable
  }

  #end(history: History): void {
    history.ends++
    if (history.stable !== undefined) history.stable++
  }

  #of({ life, node, to }: Way): History {
    const histories = this.#histories.of(node, life)
    let history = histories.get(to)
    if (history === undefined) {
      histories.set(to, (history = { session: undefined, connection: undefined, ends: 0, stable: undefined }))
    }
    return history
  }
}
