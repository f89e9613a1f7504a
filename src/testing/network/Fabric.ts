/** What a network is made of: the ways, the names, what becomes of dials, and the connections. */
import type { DialReason } from "../../services/link/Transport.ts"
import type { World } from "../world/World.ts"
import { DialRules } from "./DialRules.ts"
import { End, type Where } from "./End.ts"
import { Ghosts } from "./Ghosts.ts"
import { Names } from "./Names.ts"
import type { NetModel } from "./NetModel.ts"
import { Paths } from "./Paths.ts"
import { Pipe } from "./Pipe.ts"
import type { Stack } from "./Stack.ts"

export class Fabric {
  readonly world: World
  readonly paths: Paths
  readonly names: Names
  readonly dialRules: DialRules
  readonly ghosts: Ghosts
  /** Told when a host begins to dial, and of every dial that fails. */
  onDial: ((from: string, to: string, failed: DialReason | undefined) => void) | undefined
  #dials = 0
  #connections = 0

  constructor(world: World, model: NetModel) {
    this.world = world
    this.ghosts = new Ghosts(() => world.now)
    this.paths = new Paths(world, model)
    this.names = new Names(world, model)
    this.dialRules = new DialRules(() => world.rng("net/dials"))
  }

  nextDial(): number {
    return ++this.#dials
  }

  /** A connection between two stacks: the end that dialled, and the one that was dialled. */
  connect(near: Stack, local: Where, far: Stack, remote: Where): readonly [End, End] {
    const number = ++this.#connections
    const one = new End(number, near, local, remote)
    const other = new End(number, far, remote, local)
    one.dialled = true
    const there = this.#pipe(number, one, other, remote.port)
    const back = this.#pipe(number, other, one, remote.port)
    there.reverse = back
    back.reverse = there
    one.out = other.in = there
    one.in = other.out = back
    return [one, other]
  }

  #pipe(number: number, from: End, to: End, port: number): Pipe {
    const [source, target] = [from.stack.host.name, to.stack.host.name]
    // What ghosts say is not worth saying again.
    const recording =
      from.stack.process === undefined || to.stack.process === undefined
        ? undefined
        : this.ghosts.record(source, target, port)
    return new Pipe(number, this.paths.get(source, target), this.paths.get(target, source), from, to, recording)
  }
}
