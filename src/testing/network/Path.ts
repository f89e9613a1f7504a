/**
 * The way from one node to another in a simulated network: what has gone over it, and the streams that do, which stand
 * still and go on with it.
 */
import type { World } from "../world/World.ts"
import type { Fuse } from "./Fuse.ts"
import type { Disturbance } from "./Impairment.ts"
import type { NetModel } from "./NetModel.ts"
import type { Stream } from "./Stream.ts"
import { emptyTally } from "./Tally.ts"
import { Way } from "./Way.ts"

/** Bytes of a chunk where bandwidth is limited. */
const onSlowLine = 16_384

export class Path extends Way {
  readonly world: World
  readonly tally = emptyTally()
  /** The streams that are not over. */
  readonly pipes = new Set<Stream>()
  /** The streams of the other direction, whose acknowledgements come this way. */
  readonly heard = new Set<Stream>()
  fuses: ReadonlyArray<Fuse<Stream>> = []
  /** When the stall began that is going on, in microseconds. */
  #stalledSince = 0

  constructor(world: World, model: NetModel, from: string, to: string) {
    const dice = `net/${from}>${to}`
    super(from, to, model, world.rng(dice), () => world.rng(`${dice}/faults`))
    this.world = world
  }

  override lateness(): number {
    const late = super.lateness()
    if (late > 0) this.tally.lost++
    return late
  }

  override chunkOf(size: number): number {
    const { bandwidth, chunk } = this.conditions
    // So that a slow line sends on while what it has sent is read.
    return bandwidth > 0 && chunk.value === 0 ? Math.min(size, onSlowLine) : super.chunkOf(size)
  }

  override flipped(chunk: Uint8Array): Uint8Array {
    const arrives = super.flipped(chunk)
    if (arrives !== chunk) this.tally.flips++
    return arrives
  }

  override disturb(disturbances: ReadonlyArray<Disturbance>): void {
    const before = this.conditions
    super.disturb(disturbances)
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
