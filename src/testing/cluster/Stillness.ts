/**
 * A node that has stood still knows nothing about its peers: it asks them for a sign of life before it gives one up.
 *
 * The sessions that it had when it went on do not end as silent before a ping of that moment could have been missed:
 * one of the heartbeat, or the question that follows a standstill.
 */
import type { Transition } from "../../services/link/Transition.ts"
import { silent } from "../../services/link/WakeUp.ts"
import type { FaultPlan } from "../faults/FaultPlan.ts"
import { linkConfig } from "../faults/Knobs.ts"
import type { Way } from "./Dials.ts"
import type { NodeView, Watching } from "./Scenario.ts"

export const condemnsNobody = "who stood still condemns nobody"

/** Intervals between heartbeats: of a pause that is long, and after it until a ping counts as missed. */
const [longPause, soon] = [2, 0.9]

interface Awake {
  /** Microseconds. */
  readonly since: number
  readonly life: number
  /** Those that it has had sessions on since before. */
  readonly connections: ReadonlySet<number>
}

export class Stillness {
  readonly #watching: Watching
  /** Microseconds. */
  readonly #interval: number
  readonly #probe: number
  /** Since when nodes stand still, in microseconds. */
  readonly #paused = new Map<string, number>()
  readonly #awake = new Map<string, Awake>()

  constructor(watching: Watching, { knobs = {} }: FaultPlan) {
    this.#watching = watching
    const { heartbeat, probeTimeout } = linkConfig(knobs)
    this.#interval = heartbeat.interval * 1_000
    this.#probe = probeTimeout * 1_000
  }

  paused(node: string): void {
    this.#paused.set(node, this.#watching.view.now)
  }

  /** It is about to go on. */
  resumed({ life, name, registry }: NodeView): void {
    const { now } = this.#watching.view
    const paused = now - (this.#paused.get(name) ?? now)
    this.#paused.delete(name)
    if (paused < longPause * this.#interval) return
    const connections = new Set(registry?.sessions().map(({ connection }) => connection.id))
    this.#awake.set(name, { since: now, life, connections })
  }

  transition({ life, node, to: who }: Way, { connection, detail, reason, to }: Transition): void {
    if (to !== "closed" || reason !== "silent") return
    const awake = this.#awake.get(node)
    if (awake === undefined || awake.life !== life || !awake.connections.has(connection)) return
    const after = this.#watching.view.now - awake.since
    const unanswered = detail === silent(this.#probe / 1_000).detail
    if (after >= soon * (unanswered ? this.#probe : this.#interval)) return
    this.#watching.violated(
      condemnsNobody,
      `${node} has given ${who} up as silent ${after / 1_000} ms after it stood still itself`
    )
  }
}
