/**
 * The way from one node to another: what holds on it now, the dice of its own, what has gone over it, and the streams that
 * do. Its latency has a part that stays for the whole run, so that some pairs are farther apart than others.
 */
import type { Rng } from "../world/Rng.ts"
import type { World } from "../world/World.ts"
import { type Delay, delayOf, sample } from "./Delay.ts"
import { type Aspect, type Conditions, conditionsOf, type Disturbance } from "./Impairment.ts"
import type { NetModel } from "./NetModel.ts"
import * as Retransmission from "./Retransmission.ts"
import type { Stream } from "./Stream.ts"
import { emptyTally } from "./Tally.ts"

/** Bytes of a chunk where bandwidth is limited. */
const onSlowLine = 16_384

/** Resets the connection by whose bytes it comes to nought. */
export interface Fuse {
  left: number
  readonly blow: (stream: Stream) => void
}

export class Path {
  readonly world: World
  readonly from: string
  readonly to: string
  readonly tally = emptyTally()
  /** The streams that are not over. */
  readonly pipes = new Set<Stream>()
  /** The streams of the other direction, whose acknowledgements come this way. */
  readonly heard = new Set<Stream>()
  conditions: Conditions
  fuses: ReadonlyArray<Fuse> = []
  readonly #model: NetModel
  readonly #delay: Delay
  readonly #offset: number
  readonly #rng: Rng
  /** Dice of faults that bring none of their own. */
  #dice: Rng | undefined
  /** When the stall began that is going on, in microseconds. */
  #stalledSince = 0
  #disturbances: ReadonlyArray<Disturbance> = []

  constructor(world: World, model: NetModel, from: string, to: string) {
    this.world = world
    this.from = from
    this.to = to
    this.#model = model
    this.#delay = delayOf(model.latency)
    this.#rng = world.rng(`net/${from}>${to}`)
    this.#offset = Math.floor(this.#rng.next() * this.#delay.mean)
    this.conditions = conditionsOf(model, [])
  }

  /** What there is to expect, in microseconds: what an acknowledgement takes, whose dice nobody would notice. */
  get usual(): number {
    const added = this.conditions.added?.value
    const more = added === undefined ? 0 : added.floor + added.mean
    return this.#delay.floor + this.#delay.mean + this.#offset + more
  }

  /** Microseconds that something takes to get across. */
  latency(): number {
    const { added } = this.conditions
    const own = sample(this.#delay, this.#rng) + this.#offset
    if (added === undefined) return own
    this.touch("latency")
    return own + sample(added.value, added.random ?? this.#faults)
  }

  /** Microseconds that a chunk is later for being lost. */
  lateness(): number {
    const { loss } = this.conditions
    if (loss === undefined) return 0
    const late = Retransmission.lateness(loss.value, loss.random ?? this.#faults)
    if (late > 0) {
      this.tally.lost++
      this.touch("loss")
    }
    return late
  }

  /** Whether a packet of a dial gets lost: a dial sends it again itself. */
  loses(): boolean {
    if (this.conditions.stalled) {
      this.touch("stalled")
      return true
    }
    const { loss } = this.conditions
    if (loss === undefined || !(loss.random ?? this.#faults).chance(loss.value.first)) return false
    this.touch("loss")
    return true
  }

  /** How many of these bytes are the next chunk. */
  chunkOf(size: number): number {
    const { bandwidth, chunk } = this.conditions
    const { random, value: most } = chunk
    // So that a slow line sends on while what it has sent is read.
    if (most === 0) return bandwidth === 0 ? size : Math.min(size, onSlowLine)
    const drawn = (random ?? this.#faults).between(1, most)
    if (drawn >= size) return size
    this.touch("chunk")
    return drawn
  }

  /** The chunk, or one with bits turned over. */
  flipped(chunk: Uint8Array): Uint8Array {
    const { flips } = this.conditions
    if (flips === undefined) return chunk
    const rng = flips.random ?? this.#faults
    if (!rng.chance(flips.value)) return chunk
    const wrong = chunk.slice()
    // Distinct bits: an even number of turns would leave one as it was.
    const bits = new Set<number>()
    do bits.add(rng.below(chunk.length * 8))
    while (bits.size < 32 && bits.size < chunk.length * 8 && rng.chance(500_000))
    for (const bit of bits) wrong[bit >> 3]! ^= 1 << (bit & 7)
    this.tally.flips++
    this.touch("bitFlips")
    return wrong
  }

  /** Microseconds that a sender still waits when an outage of so many is over. */
  residual(outage: number): number {
    return Retransmission.residual(outage, Retransmission.firstWait(this.#faults))
  }

  /** An integer in [0, limit). */
  lot(limit: number): number {
    return this.#faults.below(limit)
  }

  get #faults(): Rng {
    return (this.#dice ??= this.world.rng(`net/${this.from}>${this.to}/faults`))
  }

  /** The fuse that burns down first. */
  get shortest(): Fuse | undefined {
    let shortest: Fuse | undefined
    for (const fuse of this.fuses) if (shortest === undefined || fuse.left < shortest.left) shortest = fuse
    return shortest
  }

  /** Notes that an impairment was felt. */
  touch(aspect: Aspect): void {
    for (const disturbance of this.#disturbances) {
      if (disturbance.what[aspect] !== undefined) disturbance.touched++
    }
  }

  /** Puts these disturbances in place of those there were. */
  disturb(disturbances: ReadonlyArray<Disturbance>): void {
    if (disturbances.length === 0 && this.#disturbances.length === 0) return
    const before = this.conditions
    this.#disturbances = disturbances
    this.conditions = conditionsOf(this.#model, disturbances)
    const { stalled, window } = this.conditions
    if (stalled && !before.stalled) {
      this.#stalledSince = this.world.now
      for (const pipe of this.pipes) pipe.stall()
    } else if (!stalled && before.stalled) {
      for (const pipe of this.pipes) pipe.recover()
      for (const pipe of this.heard) pipe.hearAgain(this.#stalledSince)
    }
    if (window > before.window) for (const pipe of this.pipes) pipe.pump()
  }
}
