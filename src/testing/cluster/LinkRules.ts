/**
 * Everything that is judged of links besides what campaigns have always asked: who is let in, who is given up, who is
 * left alone, what is forgotten and what an end is taken for. Passes on what it hears to those who judge it.
 */
import { Kind } from "../../protocol/link/Frame.ts"
import type { Connection } from "../../services/link/Connection.ts"
import type { Transition } from "../../services/link/Transition.ts"
import type { FaultPlan } from "../faults/FaultPlan.ts"
import type { Way } from "./Dials.ts"
import { Endings } from "./Endings.ts"
import { Forgetting } from "./Forgetting.ts"
import type { Listening } from "./ListenedTransport.ts"
import { DialRate } from "./DialRate.ts"
import { Readmission } from "./Readmission.ts"
import { type Grounded, Restores } from "./Restores.ts"
import { Restraint } from "./Restraint.ts"
import type { NodeView, Watching } from "./Scenario.ts"
import { Stillness } from "./Stillness.ts"

export class LinkRules {
  readonly #readmission: Readmission
  readonly #stillness: Stillness
  readonly #forgetting: Forgetting
  readonly #endings: Endings
  readonly #restores: Restores
  readonly #rate: DialRate
  readonly #restraint: Restraint

  constructor(watching: Watching, plan: FaultPlan) {
    this.#readmission = new Readmission(watching, plan)
    this.#stillness = new Stillness(watching, plan)
    this.#forgetting = new Forgetting(watching, plan)
    this.#endings = new Endings(watching, plan)
    this.#restores = new Restores(watching)
    this.#rate = new DialRate(watching, plan)
    this.#restraint = new Restraint(watching, plan)
  }

  /** Where nodes tell what they read from their sockets. */
  get listening(): Listening {
    return this.#endings
  }

  paused(node: string): void {
    this.#stillness.paused(node)
  }

  /** It is about to go on. */
  resumed(node: NodeView): void {
    this.#stillness.resumed(node)
    this.#endings.resumed(node.name)
  }

  /** Its database is what it once was, or empty. */
  restored(node: string): void {
    this.#readmission.restored(node)
    this.#restores.restored(node)
  }

  transition(way: Way, transition: Transition): void {
    this.#readmission.transition(way, transition)
    this.#stillness.transition(way, transition)
    this.#forgetting.transition(way, transition)
    this.#endings.transition(way, transition)
    this.#restraint.transition(way, transition)
  }

  /** A node hands a frame to a connection. */
  frame(node: Grounded & { readonly life: number }, peer: Grounded, kind: number): void {
    const way = { node: node.name, life: node.life, to: peer.name }
    this.#restores.frame(node, peer, kind)
    if (kind === Kind.Hello) this.#readmission.greets(way)
    else if (kind === Kind.Commit) this.#readmission.commits(way)
  }

  /** A frame has come in on a session. */
  heard(way: Way, connection: Connection): void {
    this.#forgetting.heard(way, connection)
  }

  /** A dial begins. `counted` tells how many failures of the peer the node's supervisor counts now. */
  dial(way: Way, counted: () => number): void {
    this.#rate.dial(way)
    this.#restraint.dial(way)
    this.#forgetting.dial(way, counted)
  }

  /** Nothing can run before time moves. */
  look(): void {
    this.#endings.look()
  }
}
