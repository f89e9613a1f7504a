/**
 * How soon a message takes effect while nothing is wrong: a commit wakes whoever sends, so that nothing waits for the
 * next look around.
 *
 * Says nothing about runs with faults, on a network or with nodes that are not as usual, nor of what is put off or may
 * be behind something that is.
 */
import { isDeepStrictEqual } from "node:util"
import type { Watching } from "../cluster/Scenario.ts"
import type { FaultPlan } from "../faults/FaultPlan.ts"
import { calm } from "../network/NetModel.ts"
import type { Effected, Sent } from "./LedgerMessage.ts"
import { hasEffect } from "./LedgerProtocol.ts"

export const prompt = "calm is prompt"

/** Microseconds from a commit to the effect: the nodes may have to find each other first. */
const bound = 5_000_000

interface Waiting {
  readonly since: number
  readonly row: Sent
}

export class Promptness {
  readonly #watching: Watching
  readonly #judges: boolean
  readonly #waiting = new Map<string, Waiting>()
  /** The messages of a sender, a receiver and a subject that may be put off and have not taken effect. */
  readonly #putOff = new Map<string, number>()

  constructor(watching: Watching, { faults, knobs, network }: FaultPlan) {
    this.#watching = watching
    this.#judges = faults.length === 0 && knobs === undefined && isDeepStrictEqual(network, calm)
  }

  /** Is committed. */
  sent(node: string, row: Sent): void {
    if (!this.#judges || !hasEffect(row)) return
    const lane = laneOf(node, row)
    const putOff = this.#putOff.get(lane) ?? 0
    if (row.wish === "later") this.#putOff.set(lane, putOff + 1)
    if (row.wish === "later" || putOff === 0) this.#waiting.set(row.id, { since: this.#watching.view.now, row })
  }

  /** Has taken effect; `from` and `to` by their names. */
  effect(from: string, to: string, { id }: Effected): void {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    this.#waiting.delete(id)
    const { row, since } = waiting
    const lane = laneOf(from, row)
    if (row.wish === "later") return void this.#putOff.set(lane, (this.#putOff.get(lane) ?? 1) - 1)
    const took = this.#watching.view.now - since
    if (took <= bound) return
    this.#watching.violated(prompt, `message ${row.n} of ${from} has taken effect at ${to} after ${took / 1_000} ms`)
  }
}

const laneOf = (node: string, { subject, to }: Sent): string => JSON.stringify([node, to, subject])
