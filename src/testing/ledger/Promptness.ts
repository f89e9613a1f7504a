/**
 * How soon a message takes effect while nothing is wrong: a commit wakes whoever sends, so that nothing waits for the
 * next look around. Where all that is wrong is wrong at one node, the others say to each other what they have to say as
 * soon as ever: whatever they owe to that one.
 *
 * Says nothing about other runs with faults, on a network or with nodes that are not as usual, nor of what is put off or
 * may be behind something that is.
 */
import { isDeepStrictEqual } from "node:util"
import type { Watching } from "../cluster/Scenario.ts"
import type { Fault, FaultPlan } from "../faults/FaultPlan.ts"
import { calm } from "../network/NetModel.ts"
import type { Effected, Sent } from "./LedgerMessage.ts"
import { hasEffect } from "./LedgerProtocol.ts"

export const prompt = "calm is prompt"
export const unhindered = "one bad peer holds up nobody else"

/** Microseconds from a commit to the effect: the nodes may have to find each other first. */
const bound = 5_000_000

interface Waiting {
  readonly since: number
  readonly row: Sent
}

/** The nodes of which each alone has felt all of a fault; none if more than its own links and processes have. */
const feltBy = (fault: Fault): ReadonlyArray<string> => {
  if ("node" in fault) return [fault.node]
  if ("from" in fault || "to" in fault) return [fault.from, fault.to].filter((name) => name !== undefined)
  return fault._tag === "Partition" && fault.shape === "isolate" && fault.side.length === 1 ? fault.side : []
}

/** The one node at which everything is that goes wrong. */
const troubled = ([first, ...others]: FaultPlan["faults"]): string | undefined =>
  first === undefined
    ? undefined
    : feltBy(first.fault).find((name) => others.every(({ fault }) => feltBy(fault).includes(name)))

export class Promptness {
  readonly #watching: Watching
  readonly #judges: boolean
  /** The node that is bad, by its name, and its key. */
  readonly #bad: string | undefined
  readonly #badKey: string | undefined
  readonly #waiting = new Map<string, Waiting>()
  /** The messages of a sender, a receiver and a subject that may be put off and have not taken effect. */
  readonly #putOff = new Map<string, number>()

  constructor(watching: Watching, { faults, knobs, network }: FaultPlan) {
    this.#watching = watching
    this.#bad = troubled(faults)
    this.#badKey = watching.view.nodes.find(({ name }) => name === this.#bad)?.key
    const usual = knobs === undefined && isDeepStrictEqual(network, calm)
    this.#judges = usual && (faults.length === 0 || this.#badKey !== undefined)
  }

  /** Is committed. */
  sent(node: string, row: Sent): void {
    if (!this.#judges || !hasEffect(row) || node === this.#bad || row.to === this.#badKey) return
    const lane = laneOf(node, row)
    const putOff = this.#putOff.get(lane) ?? 0
    if (row.wish === "later") this.#putOff.set(lane, putOff + 1)
    if (row.wish === "later" || putOff === 0) this.#waiting.set(row.id, { since: this.#watching.view.now, row })
  }

  /** Has been taken back. */
  takenBack(node: string, row: Sent): void {
    this.#over(node, row.id)
  }

  /** Has taken effect; `from` and `to` by their names. */
  effect(from: string, to: string, { id }: Effected): void {
    const waiting = this.#over(from, id)
    if (waiting === undefined || waiting.row.wish === "later") return
    const { row, since } = waiting
    const took = this.#watching.view.now - since
    if (took <= bound) return
    const property = this.#bad === undefined ? prompt : unhindered
    this.#watching.violated(property, `message ${row.n} of ${from} has taken effect at ${to} after ${took / 1_000} ms`)
  }

  /** Nobody waits for it any more, nor for what is behind it. */
  #over(from: string, id: string): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return undefined
    this.#waiting.delete(id)
    const lane = laneOf(from, waiting.row)
    if (waiting.row.wish === "later") this.#putOff.set(lane, (this.#putOff.get(lane) ?? 1) - 1)
    return waiting
  }
}

const laneOf = (node: string, { subject, to }: Sent): string => JSON.stringify([node, to, subject])
