/**
 * One direction between two nodes, for all real connections between them: what holds on it now, the dice of its own,
 * and the pumps that have to go by it. It is to a proxy what `Path` is to a simulated network.
 */
import type { Ghosts } from "../network/Ghosts.ts"
import { type Delay, delayOf, sample } from "../network/Delay.ts"
import { type Aspect, type Conditions, conditionsOf, type Disturbance } from "../network/Impairment.ts"
import type { NetModel } from "../network/NetModel.ts"
import * as Retransmission from "../network/Retransmission.ts"
import type { Rng } from "../world/Rng.ts"

/** What a lane tells of. */
export interface Traveller {
  /** Something on the lane has changed. */
  readonly adapt: () => void
}

/** Resets the connection by whose bytes it comes to nought. */
export interface Fuse {
  left: number
  readonly blow: (reset: () => void) => void
}

/** Nothing is added to the network that there is. */
export const plain: NetModel = {
  latency: { floor: 0, mean: 0, tailShare: 0, tail: 1 },
  bandwidth: 0,
  window: 256 * 1024,
  loss: 0,
  chunk: 0,
  backlog: 511,
  connections: 65_536
}

/** What is under way in one direction of one connection at the most, whatever the plan says. Bytes. */
const mostUnderWay = 1024 * 1024

export class Lane {
  readonly from: string
  readonly to: string
  readonly travellers = new Set<Traveller>()
  readonly fuses = new Set<Fuse>()
  conditions: Conditions
  /** Keeps what is said here, for a ghost to say it again. */
  ghosts: Ghosts | undefined
  readonly #model: NetModel
  readonly #delay: Delay
  /** Some pairs are farther apart than others, for the whole run. Microseconds. */
  readonly #offset: number
  readonly #rng: Rng
  #disturbances: ReadonlyArray<Disturbance> = []

  constructor(from: string, to: string, model: NetModel, rng: Rng) {
    this.from = from
    this.to = to
    this.#model = model
    this.#delay = delayOf(model.latency)
    this.#rng = rng
    this.#offset = Math.floor(rng.next() * this.#delay.mean)
    this.conditions = conditionsOf(model, [])
  }

  get window(): number {
    return Math.min(this.conditions.window, mostUnderWay)
  }

  /** Milliseconds that what has just been read takes to the other end, losses included. */
  delay(): number {
    const { added, loss } = this.conditions
    let micros = sample(this.#delay, this.#rng) + this.#offset
    if (added !== undefined) {
      this.touch("latency")
      micros += sample(added.value, added.random ?? this.#rng)
    }
    if (loss !== undefined) {
      const late = Retransmission.lateness(loss.value, loss.random ?? this.#rng)
      if (late > 0) this.touch("loss")
      micros += late
    }
    return micros / 1_000
  }

  /** How many of these bytes pass at once. */
  portion(size: number): number {
    const { bandwidth, chunk } = this.conditions
    let portion = size
    if (chunk.value > 0) {
      portion = Math.min(portion, (chunk.random ?? this.#rng).between(1, chunk.value))
      if (portion < size) this.touch("chunk")
    }
    // What goes in 20 ms: less would be all timers, more would be bursts.
    if (bandwidth > 0) portion = Math.min(portion, Math.max(1, Math.floor(bandwidth / 400)))
    for (const { left } of this.fuses) portion = Math.min(portion, left)
    return portion
  }

  /** Milliseconds that so many bytes keep the line busy. */
  sending(size: number): number {
    const { bandwidth } = this.conditions
    if (bandwidth === 0) return 0
    this.touch("bandwidth")
    return (size * 8_000) / bandwidth
  }

  /** The bytes, or a copy with 1 to 32 of its bits turned over. */
  garbled(bytes: Buffer): Buffer {
    const { flips } = this.conditions
    if (flips === undefined || bytes.length === 0) return bytes
    const rng = flips.random ?? this.#rng
    if (!rng.chance(flips.value)) return bytes
    const wrong = Buffer.from(bytes)
    // Distinct bits: an even number of turns would leave one as it was.
    const bits = new Set<number>()
    do bits.add(rng.below(wrong.length * 8))
    while (bits.size < 32 && bits.size < wrong.length * 8 && rng.chance(500_000))
    for (const bit of bits) wrong[bit >> 3]! ^= 1 << (bit & 7)
    this.touch("bitFlips")
    return wrong
  }

  /** Counts what has passed; `reset` is for the connection that carried it. */
  passed(size: number, reset: () => void): void {
    for (const fuse of this.fuses) {
      fuse.left -= size
      if (fuse.left <= 0) fuse.blow(reset)
    }
  }

  /** Milliseconds until TCP's next try, for data that has been held for so long. */
  residual(held: number): number {
    return Retransmission.residual(held * 1_000, Retransmission.firstWait(this.#rng)) / 1_000
  }

  /** Notes that an impairment was felt. */
  touch(aspect: Aspect): void {
    for (const disturbance of this.#disturbances) {
      if (disturbance.what[aspect] !== undefined) disturbance.touched++
    }
  }

  /** Puts these disturbances in place of those there were. */
  disturb(disturbances: ReadonlyArray<Disturbance>): void {
    this.#disturbances = disturbances
    this.conditions = conditionsOf(this.#model, disturbances)
    for (const traveller of this.travellers) traveller.adapt()
  }
}
