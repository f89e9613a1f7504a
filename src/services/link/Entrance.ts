/**
 * Whether a connection whose HELLO has come in may become a session: not while the node stops, not for who is banned, not
 * from a place that another peer holds, and not when there is no slot for it (docs/PROTOCOL.md, 4.3 to 4.6). What gets
 * through is the arbiter's to decide.
 *
 * Plain and synchronous. What it keeps is bounded by the connections that are open.
 */
import { neighbourhoodOf } from "../../protocol/HostNetwork.ts"
import * as Eviction from "../../protocol/link/Eviction.ts"
import type { RejectReason } from "../../protocol/link/LinkMessage.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Points } from "../Buggify.ts"
import { Admissions, type Visitor } from "./Admissions.ts"
import type { Gate } from "./BanGate.ts"
import type { Connection } from "./Connection.ts"
import { ended } from "./Ended.ts"
import type { Config } from "./LinkConfig.ts"
import type { Registry } from "./Registry.ts"

/** A connection that asks to come in, and what may be done with it. */
export interface Guest {
  readonly connection: Connection
  readonly peer: NodeKey
  /** The IP address at the other end, whoever dialled. */
  readonly host: string
  /** The port that its HELLO says it listens at. */
  readonly listens: number | undefined
  /** Ask the arbiter. */
  readonly admit: () => void
  /** REJECT it. */
  readonly turnAway: (reason: RejectReason, detail: string, retryAfterMillis?: number) => void
  /** Other connections need its slot more. */
  readonly makeRoom: (detail: string) => void
}

/** A session, or what may become one, for whoever has to go when there are too many. */
interface Occupant {
  readonly guest: Guest
  readonly since: number
  readonly neighbourhood: string
}

export interface Options {
  readonly config: Config
  readonly gate: Gate
  readonly points: Points
  readonly registry: Registry["Service"]
  /** Drawn once by the process, and told to nobody. */
  readonly salt: number
  readonly now: () => number
}

export class Entrance {
  readonly #options: Options
  readonly #admissions: Admissions
  readonly #seats = new Map<number, Occupant>()
  #closed = false

  constructor(options: Options) {
    this.#options = options
    this.#admissions = new Admissions(options.config.admission)
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Nobody comes in any more: this node stops. */
  close(): void {
    this.#closed = true
  }

  /** Calls `admit` or `turnAway` once: now, or when it is known whether the one who has the place still lives. */
  ask(guest: Guest): void {
    if (this.#closed) return guest.turnAway("shutdown", "this node stops")
    if (this.#keptOut(guest)) return
    this.#admissions.enter(new Visit(guest, this.#options.config.probeTimeout, () => this.#seat(guest)))
  }

  /** It is a session from now on. */
  activated(guest: Guest): void {
    this.#take(guest)
  }

  /** The connection is over. */
  left(connection: number): void {
    this.#seats.delete(connection)
    this.#admissions.leave(connection)
  }

  /** Whether it is banned, and turned away. */
  #keptOut(guest: Guest): boolean {
    const kept = this.#options.gate.keptOut(guest.peer, guest.host)
    if (kept !== undefined) guest.turnAway("banned", kept.reason, kept.forMillis)
    return kept !== undefined
  }

  /** A slot of its own, or the one of somebody less useful. A peer that has a session may replace it. */
  #seat(guest: Guest): void {
    const { config, now, points, registry, salt } = this.#options
    // It may have waited for this.
    if (this.#keptOut(guest)) return
    if (registry.standing(guest.peer).holds) return this.#letIn(guest)
    const busy = () =>
      guest.turnAway("busy", `no place is free: ${this.#seats.size} of ${config.maxSessions} are taken`)
    if (points.fires("link.refused-as-busy")) return busy()
    // Most of the time there is no need to look at everybody.
    if (this.#seats.size < Eviction.forStrangers(config.eviction, config.maxSessions)) return this.#letIn(guest)
    const { direction } = guest.connection
    const newcomer = { neighbourhood: neighbourhoodOf(guest.host), direction, desired: registry.desired(guest.peer) }
    const occupants = [...this.#seats.values()].map((occupant) => this.#view(occupant))
    const decision = Eviction.admit(config.eviction, config.maxSessions, occupants, newcomer, now(), salt)
    if (decision._tag === "Refuse") return busy()
    if (decision._tag === "Evict") this.#evict(decision.id)
    this.#letIn(guest)
  }

  /** Its seat is taken before it is a session: many could be let in at once otherwise. */
  #letIn(guest: Guest): void {
    this.#take(guest)
    guest.admit()
  }

  #take(guest: Guest): void {
    const neighbourhood = neighbourhoodOf(guest.host)
    this.#seats.set(guest.connection.id, { guest, since: this.#options.now(), neighbourhood })
  }

  /** It says goodbye in its own time; its slot is free now. */
  #evict(connection: number): void {
    const occupant = this.#seats.get(connection)
    this.#seats.delete(connection)
    occupant?.guest.makeRoom("other peers need its place more")
  }

  #view({ guest, neighbourhood, since }: Occupant): Eviction.Occupant {
    const { direction, heartbeat, id, usefulAt } = guest.connection
    const desired = this.#options.registry.desired(guest.peer)
    return { id, direction, desired, neighbourhood, since, rttMillis: heartbeat.rttMillis, usefulAt }
  }
}

/** A guest as the admission of its host sees it. */
class Visit implements Visitor {
  readonly #guest: Guest
  readonly #probeTimeout: number
  readonly admit: () => void

  constructor(guest: Guest, probeTimeout: number, admit: () => void) {
    this.#guest = guest
    this.#probeTimeout = probeTimeout
    this.admit = admit
  }

  get connection(): number {
    return this.#guest.connection.id
  }

  get peer(): NodeKey {
    return this.#guest.peer
  }

  get remote(): string {
    return this.#guest.host
  }

  get listens(): number | undefined {
    return this.#guest.listens
  }

  refuse(reason: RejectReason, detail: string): void {
    this.#guest.turnAway(reason, detail)
  }

  probe(report: (answered: boolean) => void): void {
    this.#guest.connection.probe(this.#probeTimeout, report)
  }

  evict(): void {
    this.#guest.connection.end(ended("silent", "it did not answer when another peer came from its address"))
  }
}
