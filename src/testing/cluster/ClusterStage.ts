/**
 * A cluster as what the fault engine acts on: kills and restarts, pauses, clocks, databases and the network of its nodes.
 */
import type { Site } from "../../services/Buggify.ts"
import type { SimulatedDatabase } from "../database/SimulatedDatabase.ts"
import type { Stage, Touched } from "../faults/Stage.ts"
import type { SimulatedNetwork } from "../network/SimulatedNetwork.ts"
import type { TraceEvent } from "../world/Trace.ts"
import type { World } from "../world/World.ts"
import type { Members } from "./Members.ts"
import type { SimulatedNode } from "./SimulatedNode.ts"

/** Told right before something is done to a node. */
export interface Told {
  /** It is asked to stop. */
  readonly stops: (node: string) => void
  /** Its database is what it once was, or empty. */
  readonly restored: (node: string) => void
  /** It stands still, or goes on. */
  readonly paused: (node: string) => void
  readonly resumed: (node: string) => void
}

export class ClusterStage<R> implements Stage {
  readonly world: World
  readonly network: SimulatedNetwork
  readonly nodes: ReadonlyArray<string>
  readonly #members: Members<R>
  readonly #told: Told
  #over = false

  constructor(world: World, network: SimulatedNetwork, members: Members<R>, told: Told) {
    this.world = world
    this.network = network
    this.nodes = members.all.map(({ name }) => name)
    this.#members = members
    this.#told = told
  }

  /** Nobody is started any more, whatever was still to start it. */
  close(): void {
    this.#over = true
  }

  readonly database = (node: string): SimulatedDatabase => this.#members.named(node).database

  kill(node: string, { down, end, wipe }: Parameters<Stage["kill"]>[1]): Touched {
    const member = this.#members.named(node)
    const ran = member.state !== "dead"
    member.kill(end)
    if (wipe === true) {
      member.database.wipe()
      this.#told.restored(node)
    }
    this.#startIn(member, down)
    return ran ? 1 : 0
  }

  restart(node: string, down: number): Touched {
    const member = this.#members.named(node)
    const ran = member.state !== "dead"
    this.#told.stops(node)
    member.stop()
    this.#startIn(member, down)
    return ran ? 1 : 0
  }

  restoreBackup(node: string, snapshot: number, down: number): Touched {
    const member = this.#members.named(node)
    member.kill("rst")
    member.database.restore(snapshot)
    this.#told.restored(node)
    this.#startIn(member, down)
  }

  pause(node: string): Touched {
    const { process } = this.#members.named(node)
    if (process?.state !== "running") return 0
    this.#told.paused(node)
    process.pause()
    this.#record(node, "pause", { life: process.life })
    return 1
  }

  resume(node: string): void {
    const { process } = this.#members.named(node)
    if (process?.state !== "paused") return
    this.#told.resumed(node)
    process.resume()
    this.#record(node, "resume", { life: process.life })
  }

  revive(node: string): void {
    this.#members.named(node).start()
  }

  clock(node: string): ReturnType<Stage["clock"]> {
    const member = this.#members.named(node)
    return {
      step: (millis) => member.process?.stepClock(millis),
      drift: (partsPerMillion) => member.process?.driftClock(partsPerMillion),
      lateness: (sample) => member.late(sample)
    }
  }

  buggify(node: string, site: Site, share: number): () => void {
    return this.#members.named(node).activate(site, share)
  }

  #record(node: string, kind: string, detail: TraceEvent["detail"]): void {
    this.world.trace.record(this.world.now, node, kind, detail)
  }

  /** Keeps asking until it is down, then starts it again. */
  #startIn(member: SimulatedNode<R>, down: number): void {
    this.world.at(this.world.now + down * 1_000, () => {
      if (this.#over) return
      if (member.state === "dead") member.start()
      else if (member.stopping) this.#startIn(member, Math.max(down, 10))
    })
  }
}
