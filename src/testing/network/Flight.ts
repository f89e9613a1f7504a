/**
 * What is under way in one direction of a connection: chunks and the marks around them, in order, each arriving when its
 * way and its line let it. There is one world event for each that arrives, and one at a time for a flight.
 */
import type { Scheduled } from "../world/EventHeap.ts"
import { Fifo } from "./Fifo.ts"
import type { Path } from "./Path.ts"

/** Bytes, or a mark: the connection is established, or the direction has ended. */
export type Cargo = Uint8Array | "established" | "end"

interface Crossing {
  readonly cargo: Cargo
  /** Microseconds of world time. */
  due: number
}

const secondsToMicros = 1_000_000

/** Bytes that travel together and are late together, in however many chunks they arrive. */
const packet = 1_448

const sizeOf = (cargo: Cargo): number => (typeof cargo === "string" ? 0 : cargo.length)

export class Flight {
  readonly #path: Path
  readonly #land: (cargo: Cargo) => void
  readonly #crossing = new Fifo<Crossing>()
  /** When the line has sent what it has. */
  #lineFree = 0
  /** The packet that left last: when, how long it takes, and what still goes into it. */
  #packetAt = -1
  #packetTakes = 0
  #packetRoom = 0
  /** Since when something waits for a stall to end. */
  #stuckSince: number | undefined
  #arrival: Scheduled | undefined

  constructor(path: Path, land: (cargo: Cargo) => void) {
    this.#path = path
    this.#land = land
  }

  get isEmpty(): boolean {
    return this.#crossing.size === 0
  }

  /** Sends something on its way. */
  launch(cargo: Cargo): void {
    const path = this.#path
    const { now } = path.world
    const size = sizeOf(cargo)
    if (now !== this.#packetAt || size > this.#packetRoom) {
      this.#packetAt = now
      this.#packetTakes = path.latency() + path.lateness()
      this.#packetRoom = packet
    }
    this.#packetRoom -= size
    this.#crossing.push({ cargo, due: this.#sent(size, now) + this.#packetTakes })
    if (path.conditions.stalled) {
      path.touch("stalled")
      this.#stuckSince ??= now
    } else if (this.#arrival === undefined) this.#arm()
  }

  /** Nothing of it arrives. */
  drop(): void {
    this.#crossing.clear()
    this.#cancel()
  }

  /** The way is stalled. */
  stall(): void {
    for (let i = 0; i < this.#crossing.size; i++) this.#path.touch("stalled")
    if (!this.isEmpty) this.#stuckSince = this.#path.world.now
    this.#cancel()
  }

  /** The way is no longer stalled: what waited is sent again when its sender tries next. */
  recover(): void {
    if (this.#stuckSince === undefined) return
    const path = this.#path
    const outage = path.world.now - this.#stuckSince
    path.tally.stalls += outage / 1_000
    this.#stuckSince = undefined
    this.#sendAgain(path.world.now + path.residual(outage))
  }

  #sendAgain(from: number): void {
    this.#lineFree = from
    this.#crossing.forEach((crossing) => {
      crossing.due = Math.max(crossing.due, this.#sent(sizeOf(crossing.cargo), from))
    })
    this.#arm()
  }

  /** When the line has sent this many bytes more. */
  #sent(bytes: number, now: number): number {
    const { bandwidth } = this.#path.conditions
    if (bandwidth === 0) return now
    if (this.#lineFree > now) this.#path.touch("bandwidth")
    this.#lineFree = Math.max(this.#lineFree, now) + Math.ceil((bytes * 8 * secondsToMicros) / bandwidth)
    return this.#lineFree
  }

  /** What is due before the one in front of it comes right after that one. */
  #arm(): void {
    const next = this.#crossing.first
    if (next !== undefined) this.#arrival = this.#path.world.at(next.due, this.#arrive)
  }

  readonly #arrive = (): void => {
    this.#arrival = undefined
    const { cargo } = this.#crossing.shift()!
    this.#arm()
    this.#land(cargo)
  }

  #cancel(): void {
    if (this.#arrival !== undefined) this.#path.world.cancel(this.#arrival)
    this.#arrival = undefined
  }
}
