/** The ways between all nodes, made as they are needed, and what is wrong with them. */
import type { World } from "../world/World.ts"
import { Disturbance, type Impairment, type Select } from "./Impairment.ts"
import type { NetModel } from "./NetModel.ts"
import type { Fuse } from "./Fuse.ts"
import { Path } from "./Path.ts"
import type { Stream } from "./Stream.ts"
import type { Rng } from "../world/Rng.ts"

interface Burning extends Fuse<Stream> {
  readonly select: Select
}

export class Paths {
  readonly #world: World
  readonly #model: NetModel
  readonly #paths = new Map<string, Path>()
  #disturbances: ReadonlyArray<Disturbance> = []
  #fuses: ReadonlyArray<Burning> = []

  constructor(world: World, model: NetModel) {
    this.#world = world
    this.#model = model
  }

  get(from: string, to: string): Path {
    const key = `${from}>${to}`
    let path = this.#paths.get(key)
    if (path === undefined) {
      path = new Path(this.#world, this.#model, from, to)
      this.#paths.set(key, path)
      this.#refresh(path)
    }
    return path
  }

  /** The streams that run on selected ways now. */
  pipes(select: Select): ReadonlyArray<Stream> {
    return [...this.#paths.values()].flatMap((path) => (select(path.from, path.to) ? [...path.pipes] : []))
  }

  /** Returns what ends it, and says how much has felt it. */
  impair(select: Select, what: Impairment, random: Rng | undefined): () => number {
    const disturbance = new Disturbance(select, what, random)
    this.#disturb([...this.#disturbances, disturbance])
    return () => {
      if (this.#disturbances.includes(disturbance))
        this.#disturb(this.#disturbances.filter((other) => other !== disturbance))
      return disturbance.touched
    }
  }

  /** Resets the connection by which this many more bytes of the selected ways have gone. */
  closeAfter(select: Select, bytes: number): () => number {
    let blown = 0
    const put = (fuses: ReadonlyArray<Burning>) => {
      this.#fuses = fuses
      for (const path of this.#paths.values()) this.#refreshFuses(path)
    }
    const remove = () => put(this.#fuses.filter((other) => other !== fuse))
    const fuse: Burning = {
      select,
      left: bytes,
      blow: (pipe) => {
        blown = 1
        remove()
        pipe.sever("rst")
        pipe.reverse.sever("rst")
      }
    }
    put([...this.#fuses, fuse])
    return () => {
      remove()
      return blown
    }
  }

  heal(): void {
    this.#fuses = []
    this.#disturb([])
  }

  #disturb(disturbances: ReadonlyArray<Disturbance>): void {
    this.#disturbances = disturbances
    for (const path of this.#paths.values()) this.#refresh(path)
  }

  #refresh(path: Path): void {
    this.#refreshFuses(path)
    path.disturb(this.#disturbances.filter(({ select }) => select(path.from, path.to)))
  }

  #refreshFuses(path: Path): void {
    path.fuses = this.#fuses.filter(({ select }) => select(path.from, path.to))
  }
}
