/**
 * One direction between two nodes, for all real connections between them, and the pumps that have to go by it. It is to
 * a proxy what `Path` is to a simulated network; its times are those of real timers, milliseconds.
 */
import { burn, type Fuse, passing } from "../network/Fuse.ts"
import type { Ghosts } from "../network/Ghosts.ts"
import type { Disturbance } from "../network/Impairment.ts"
import { calm, type NetModel } from "../network/NetModel.ts"
import { Way } from "../network/Way.ts"

/** What a lane tells of. */
export interface Traveller {
  /** Something on the lane has changed. */
  readonly adapt: () => void
}

/** Nothing is added to the network that there is. */
export const plain: NetModel = { ...calm, latency: { floor: 0, mean: 0, tailShare: 0, tail: 1 } }

/** What is under way in one direction of one connection at the most, whatever the plan says. Bytes. */
const mostUnderWay = 1024 * 1024

export class Lane extends Way {
  readonly travellers = new Set<Traveller>()
  /** Each resets the connection by whose bytes it comes to nought. */
  readonly fuses = new Set<Fuse<() => void>>()
  /** Keeps what is said here, for a ghost to say it again. */
  ghosts: Ghosts | undefined

  get window(): number {
    return Math.min(this.conditions.window, mostUnderWay)
  }

  /** Milliseconds that what has just been read takes to the other end, losses included. */
  delay(): number {
    return (this.latency() + this.lateness()) / 1_000
  }

  /** How many of these bytes pass at once. */
  portion(size: number): number {
    const { bandwidth } = this.conditions
    // What goes in 20 ms: less would be all timers, more would be bursts.
    const sent = bandwidth === 0 ? size : Math.min(size, Math.max(1, Math.floor(bandwidth / 400)))
    return passing(this.fuses, Math.min(sent, this.chunkOf(size)))
  }

  /** Milliseconds that so many bytes keep the line busy. */
  sending(size: number): number {
    const { bandwidth } = this.conditions
    if (bandwidth === 0) return 0
    this.touch("bandwidth")
    return (size * 8_000) / bandwidth
  }

  /** Counts what has passed; `reset` is for the connection that carried it. */
  passed(size: number, reset: () => void): void {
    burn(this.fuses, size, reset)
  }

  /** Milliseconds until TCP's next try, for data that has been held for so long. */
  nextTry(held: number): number {
    return this.residual(held * 1_000) / 1_000
  }

  /** Those that go by it do so from now on. */
  override disturb(disturbances: ReadonlyArray<Disturbance>): void {
    super.disturb(disturbances)
    for (const traveller of this.travellers) traveller.adapt()
  }
}
