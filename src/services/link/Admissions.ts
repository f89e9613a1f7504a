/**
 * Lets connections in or not, by where they come from: drives the admission machine of every host and performs its
 * actions at once, in the turn of the event (docs/PROTOCOL.md, 4.3).
 *
 * Plain and synchronous. Keeps one entry for each connection that is in or waits, and one state for each host that has
 * such a connection; both are bounded by `Options.connections`.
 */
import * as Admission from "../../protocol/link/Admission.ts"
import type { ConnectionId } from "../../protocol/link/Arbiter.ts"
import type { RejectReason } from "../../protocol/link/LinkMessage.ts"
import { hostOf } from "../../protocol/HostNetwork.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"

/** A connection whose HELLO has come in, and what may be done with it. */
export interface Visitor {
  readonly connection: ConnectionId
  /** The proven key. */
  readonly peer: NodeKey | undefined
  /** The IP address at the other end, whoever dialled. */
  readonly remote: string
  /** The port that its HELLO says it listens at. */
  readonly listens: number | undefined
  /** Hand its HELLO on to the arbiter. Until then nothing that came behind the HELLO may be looked at. */
  readonly admit: () => void
  /** REJECT(reason) and close. */
  readonly refuse: (reason: RejectReason, detail: string) => void
  /** Ask it for a sign of life; `report` may be called at once. */
  readonly probe: (report: (answered: boolean) => void) => void
  /** End it: it is silent and somebody else wants its place. */
  readonly evict: () => void
}

interface Entry {
  readonly host: string
  readonly visitor: Visitor
  /** How often it was asked for a sign of life: only the answer to the last time counts. */
  asked: number
}

export class Admissions {
  readonly #options: Admission.Options
  readonly #hosts = new Map<string, Admission.State>()
  readonly #entries = new Map<ConnectionId, Entry>()

  constructor(options: Admission.Options = Admission.defaults) {
    this.#options = options
  }

  /** Connections that are in or wait. */
  get size(): number {
    return this.#entries.size
  }

  /** Hosts that have such a connection. */
  get hosts(): number {
    return this.#hosts.size
  }

  /** Calls `admit` or `refuse` of the visitor, once: now, or when the answer of who has its place is known. */
  enter(visitor: Visitor): void {
    if (this.#entries.size >= this.#options.connections) {
      return visitor.refuse("busy", `${this.#options.connections} connections are open`)
    }
    const host = hostOf(visitor.remote)
    this.#entries.set(visitor.connection, { host, visitor, asked: 0 })
    if (!this.#hosts.has(host)) this.#hosts.set(host, Admission.initial(visitor.remote))
    this.#tell(host, { _tag: "Hello", applicant: Admission.applicant(this.#options.policy, visitor) })
  }

  /** The connection has been refused, says its last, or is gone. Whoever waits for its place may have it. */
  leave(connection: ConnectionId): void {
    const entry = this.#entries.get(connection)
    if (entry === undefined) return
    this.#entries.delete(connection)
    this.#tell(entry.host, { _tag: "Closed", connection })
  }

  #tell(host: string, event: Admission.Event): void {
    const before = this.#hosts.get(host)
    if (before === undefined) return
    const { actions, state } = Admission.step(this.#options, before, event)
    if (Admission.isEmpty(state)) this.#hosts.delete(host)
    else this.#hosts.set(host, state)
    for (const action of actions) this.#perform(host, action)
  }

  #perform(host: string, action: Admission.Action): void {
    const { connection } = action
    const entry = this.#entries.get(connection)
    if (entry === undefined) return
    const { visitor } = entry
    switch (action._tag) {
      case "Admit":
        return visitor.admit()
      case "Refuse":
        this.#entries.delete(connection)
        return visitor.refuse(action.reason, action.detail)
      case "Probe": {
        const asked = ++entry.asked
        return visitor.probe((answered) => {
          if (entry.asked === asked) this.#tell(host, { _tag: "Probed", connection, answered })
        })
      }
      case "Evict":
        this.#entries.delete(connection)
        return visitor.evict()
    }
  }
}
