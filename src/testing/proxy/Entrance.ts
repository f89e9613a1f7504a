/**
 * Where one node dials another: takes connections in, lets faults of dials have their way with each, and forwards the
 * rest to where the other node really listens.
 *
 * The operating system answers a dial before the proxy sees it. So a dial that hangs is answered and then never hears
 * anything; only a shut port refuses.
 */
import type * as Net from "node:net"
import type { Endpoint } from "../../protocol/Address.ts"
import type { Fate } from "../network/DialRules.ts"
import { residual } from "../network/Retransmission.ts"
import { breakOff } from "./BreakOff.ts"
import { type Lanes, ProxiedConnection } from "./ProxiedConnection.ts"

/** What entrances have in common. */
export interface House {
  /** What becomes of a dial. */
  readonly fate: (from: string, to: string) => Fate
  /** Whether one more connection may wait to be accepted at a node. */
  readonly hasRoom: (node: string) => boolean
  readonly onDialled: () => void
  /** A connection is gone. */
  readonly onClosed: () => void
}

/** How an accepted connection waits to be forwarded. */
interface Waiting {
  readonly since: number
  notBefore: number
  /** What was sent to open it has met a stall. */
  held: boolean
  /** How often there was no room where it goes. */
  tries: number
  timer: NodeJS.Timeout | undefined
}

/** Milliseconds before a packet that opens a connection is sent again, and as often as it is, twice as long. */
const firstRetry = 1_000
const mostRetries = 6
/** A timer cannot be longer: after that it is looked at again. */
const longestTimer = 2 ** 31 - 1

export class Entrance {
  readonly lanes: Lanes
  /** Those that wait, too. */
  readonly connections = new Set<ProxiedConnection>()
  /** Where connections go from now on; without one they are turned away. */
  target: Endpoint | undefined
  forwarded = 0
  refused = 0
  #bytesBefore = 0
  readonly #house: House
  readonly #most: number
  readonly #waiting = new Map<ProxiedConnection, Waiting>()

  constructor(lanes: Lanes, target: Endpoint | undefined, most: number, house: House) {
    this.lanes = lanes
    this.target = target
    this.#most = most
    this.#house = house
    lanes.there.travellers.add(this)
    lanes.back.travellers.add(this)
  }

  get from(): string {
    return this.lanes.there.from
  }

  get to(): string {
    return this.lanes.there.to
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Connections that were forwarded and to which the other node has not said anything. */
  get unanswered(): number {
    let unanswered = 0
    for (const { isAnswered, isForwarded, isSilent } of this.connections) {
      if (isForwarded && !isAnswered && !isSilent) unanswered++
    }
    return unanswered
  }

  get bytes(): number {
    let bytes = this.#bytesBefore
    for (const connection of this.connections) bytes += connection.bytes
    return bytes
  }

  readonly accept = (socket: Net.Socket): void => {
    this.#house.onDialled()
    const { how, late } = this.#house.fate(this.from, this.to)
    const turnedAway = how === "accept-then-reset" || how === "refuse"
    if (turnedAway || this.target === undefined || !this.#makeRoom()) return this.#turnAway(socket)
    const connection = this.#adopt(socket)
    if (how === "hang") return connection.ignore()
    const now = performance.now()
    const notBefore = now + late / 1_000
    this.#waiting.set(connection, { since: now, notBefore, held: false, tries: 0, timer: undefined })
    this.#proceed(connection)
  }

  /** Looks again at those that wait. */
  readonly adapt = (): void => {
    for (const connection of this.#waiting.keys()) this.#proceed(connection)
  }

  end(): void {
    for (const { timer } of this.#waiting.values()) clearTimeout(timer)
    this.#waiting.clear()
  }

  /** A connection that is silent for good makes way for a new one. */
  #makeRoom(): boolean {
    if (this.connections.size < this.#most) return true
    for (const connection of this.connections) {
      if (!connection.isSilent) continue
      connection.destroy()
      return true
    }
    return false
  }

  #turnAway(socket: Net.Socket): void {
    this.refused++
    // The dialler may be gone already.
    breakOff(socket.on("error", () => undefined))
  }

  #adopt(socket: Net.Socket): ProxiedConnection {
    const connection: ProxiedConnection = new ProxiedConnection(socket, this.lanes, {
      onForwarded: () => this.forwarded++,
      onClosed: () => {
        clearTimeout(this.#waiting.get(connection)?.timer)
        this.#waiting.delete(connection)
        this.connections.delete(connection)
        this.#bytesBefore += connection.bytes
        this.#house.onClosed()
      }
    })
    this.connections.add(connection)
    return connection
  }

  #proceed(connection: ProxiedConnection): void {
    const waiting = this.#waiting.get(connection)
    if (waiting === undefined) return
    clearTimeout(waiting.timer)
    if (this.#holds(waiting)) return
    const now = performance.now()
    if (waiting.held) {
      const late = residual((now - waiting.since) * 1_000, firstRetry * 1_000) / 1_000
      waiting.notBefore = Math.max(waiting.notBefore, now + late)
      waiting.held = false
    } else if (waiting.notBefore <= now && !this.#house.hasRoom(this.to)) {
      waiting.notBefore = now + firstRetry * 2 ** Math.min(waiting.tries++, mostRetries)
    }
    if (waiting.notBefore > now) {
      const wait = Math.min(Math.ceil(waiting.notBefore - now), longestTimer)
      waiting.timer = setTimeout(() => this.#proceed(connection), wait)
      return
    }
    this.#waiting.delete(connection)
    if (this.target !== undefined) connection.forward(this.target)
  }

  #holds(waiting: Waiting): boolean {
    const stalled = [this.lanes.there, this.lanes.back].filter(({ conditions }) => conditions.stalled)
    if (!waiting.held) for (const lane of stalled) lane.touch("stalled")
    waiting.held ||= stalled.length > 0
    return stalled.length > 0
  }
}
