/**
 * What nodes must not do to each other unless a fault of the plan explains it: accuse a peer of breaking the protocol,
 * end a session while nothing at all is wrong, or take a database for restored that is not.
 */
import { isDeepStrictEqual } from "node:util"
import type { Transition } from "../../services/link/Transition.ts"
import type { Fault, FaultPlan } from "../faults/FaultPlan.ts"
import { calm } from "../network/NetModel.ts"
import type { Scenario, Watching } from "./Scenario.ts"

export const noAccusation = "nobody is accused"
export const staysCalm = "calm stays calm"
export const noRestore = "no restore without a restore"

/** What a node logs when it finds that a database is not what it was. */
const restoreNoticed = "A database was restored from an older state"

const garbles = ({ _tag }: Fault): boolean => _tag === "BitFlips" || _tag === "Ghost"
const restores = (fault: Fault): boolean =>
  fault._tag === "RestoreBackup" || (fault._tag === "Kill" && fault.wipe === true)

export class Conduct {
  readonly #watching: Watching
  readonly #isCalm: boolean
  readonly #garbled: boolean
  readonly #restored: boolean
  readonly #misbehaves: (node: string) => boolean

  constructor(watching: Watching, { faults, knobs, network }: FaultPlan, misbehaves?: Scenario["misbehaves"]) {
    this.#watching = watching
    this.#misbehaves = (node) => misbehaves?.(node, watching.view.nodes) === true
    this.#isCalm = faults.length === 0 && knobs === undefined && isDeepStrictEqual(network, calm)
    this.#garbled = faults.some(({ fault }) => garbles(fault))
    this.#restored = faults.some(({ fault }) => restores(fault))
  }

  /** `stopping`: some node has been asked to stop. */
  transition(node: string, who: string, { detail = "", from, reason, to }: Transition, stopping: boolean): void {
    if (to !== "closed" || this.#misbehaves(node) || this.#misbehaves(who)) return
    if (reason === "violation" && !this.#garbled) this.#watching.violated(noAccusation, `${node} of ${who}: ${detail}`)
    if (from === "active" && this.#isCalm && !stopping) {
      this.#watching.violated(staysCalm, `${node} has lost its session with ${who}: ${reason}: ${detail}`)
    }
  }

  logged(node: string, message: string): void {
    if (this.#restored || !message.startsWith(restoreNoticed)) return
    this.#watching.violated(noRestore, `${node} logs "${message}"`)
  }
}
