/**
 * One direction between two nodes, of simulated connections or of real ones: what holds on it now, and the dice that
 * tell what that does to each packet. Its latency has a part that stays for the whole run, so that some pairs are
 * farther apart than others.
 */
import type { Rng } from "../world/Rng.ts"
import { type Delay, delayOf, sample } from "./Delay.ts"
import { type Aspect, type Conditions, conditionsOf, type Disturbance } from "./Impairment.ts"
import type { NetModel } from "./NetModel.ts"
import * as Retransmission from "./Retransmission.ts"

export class Way {
  readonly from: string
  readonly to: string
  conditions: Conditions
  readonly #model: NetModel
  readonly #delay: Delay
  readonly #offset: number
  readonly #rng: Rng
  readonly #faultDice: () => Rng
  #dice: Rng | undefined
  #disturbances: ReadonlyArray<Disturbance> = []

  /** `faultDice` are for faults that bring none of their own; asked for once, when the first of them needs it. */
  constructor(from: string, to: string, model: NetModel, rng: Rng, faultDice: () => Rng = () => rng) {
    this.from = from
    this.to = to
    this.#model = model
    this.#delay = delayOf(model.latency)
    this.#rng = rng
    this.#faultDice = faultDice
    this.#offset = Math.floor(rng.next() * this.#delay.mean)
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

  /** Microseconds that a packet is later for being lost. */
  lateness(): number {
    const { loss } = this.conditions
    if (loss === undefined) return 0
    const late = Retransmission.lateness(loss.value, loss.random ?? this.#faults)
    if (late > 0) this.touch("loss")
    return late
  }

  /** Whether a packet gets lost that is not sent again by itself: one of a dial, or a reset. */
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
    const { random, value: most } = this.conditions.chunk
    if (most === 0) return size
    const drawn = (random ?? this.#faults).between(1, most)
    if (drawn >= size) return size
    this.touch("chunk")
    return drawn
  }

  /** The chunk, or a copy with 1 to 32 of its bits turned over. */
  flipped(chunk: Uint8Array): Uint8Array {
    const { flips } = this.conditions
    if (flips === undefined) return chunk
    const rng = flips.random ?? this.#faults
    if (!rng.chance(flips.value)) return chunk
    const wrong = new Uint8Array(chunk)
    // Distinct bits: an even number of turns would leave one as it was.
    const bits = new Set<number>()
    do bits.add(rng.below(chunk.length * 8))
    while (bits.size < 32 && bits.size < chunk.length * 8 && rng.chance(500_000))
    for (const bit of bits) wrong[bit >> 3]! ^= 1 << (bit & 7)
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

  /** Notes that an impairment was felt. */
  touch(aspect: Aspect): void {
    for (const disturbance of this.#disturbances) {
      if (disturbance.what[aspect] !== undefined) disturbance.touched++
    }
  }

  /** Puts these disturbances in place of those there were. */
  disturb(disturbances: ReadonlyArray<Disturbance>): void {
    if (disturbances.length === 0 && this.#disturbances.length === 0) return
    this.#disturbances = disturbances
    this.conditions = conditionsOf(this.#model, disturbances)
  }

  get #faults(): Rng {
    return (this.#dice ??= this.#faultDice())
  }
}
