/**
 * The network between real processes, as far as a proxy has it in hand: a lane for every direction between two nodes, an
 * entrance for every route, and the faults of both. The faults themselves are those of the simulator: this is the stage
 * that they strike on.
 */
import type { FaultOf } from "../faults/FaultPlan.ts"
import type { Dialling, Select, StageNetwork, Undo } from "../faults/Stage.ts"
import { DialRules } from "../network/DialRules.ts"
import type { Fuse } from "../network/Fuse.ts"
import type { Limit } from "../network/Host.ts"
import { Disturbance, type Impairment } from "../network/Impairment.ts"
import type { NetModel } from "../network/NetModel.ts"
import { Rng } from "../world/Rng.ts"
import { Entrance } from "./Entrance.ts"
import { Lane } from "./Lane.ts"
import type { LocalPort } from "./LocalPort.ts"
import type { ProxiedConnection } from "./ProxiedConnection.ts"
import { RealGhosts } from "./RealGhosts.ts"
import { refuse } from "./Refusal.ts"
import type { Route } from "./Route.ts"
import { type Traffic, trafficOf } from "./Traffic.ts"

/** How many connections may wait at a node. */
interface Backlog extends Limit {
  readonly node: string
}

export class ProxyNetwork implements StageNetwork {
  readonly entrances: ReadonlyArray<Entrance>
  onDialled: (() => void) | undefined
  readonly #lanes = new Map<string, Lane>()
  readonly #ports = new Map<Entrance, LocalPort>()
  readonly #disturbances = new Set<Disturbance>()
  readonly #rules: DialRules
  readonly #backlogs = new Set<Backlog>()
  readonly #undos = new Set<() => void>()
  readonly #ghosts = new RealGhosts()
  #onEmpty: (() => void) | undefined

  constructor(routes: ReadonlyArray<Route>, model: NetModel, seed: string | number, maxConnections: number) {
    const lane = (from: string, to: string): Lane => {
      const key = `${from}>${to}`
      const made = this.#lanes.get(key) ?? new Lane(from, to, model, new Rng(seed, `net/${key}`))
      this.#lanes.set(key, made)
      return made
    }
    const dice = new Rng(seed, "net/dials")
    this.#rules = new DialRules(() => dice)
    const house = {
      fate: (from: string, to: string) => this.#rules.decide(from, to),
      hasRoom: this.#hasRoom,
      onDialled: () => this.onDialled?.(),
      onClosed: () => this.#tellIfEmpty()
    }
    this.entrances = routes.map(
      ({ from, target, to }) =>
        new Entrance({ there: lane(from, to), back: lane(to, from) }, target, maxConnections, house)
    )
  }

  /** Where the connections of an entrance come in. */
  place(entrance: Entrance, port: LocalPort): void {
    this.#ports.set(entrance, port)
  }

  port(entrance: Entrance): LocalPort | undefined {
    return this.#ports.get(entrance)
  }

  entrance(from: string, to: string): Entrance | undefined {
    return this.entrances.find((entrance) => entrance.from === from && entrance.to === to)
  }

  /** Whether bytes go from one to another here that this selects. */
  carries(select: Select): boolean {
    return [...this.#lanes.values()].some(({ from, to }) => select(from, to))
  }

  get connections(): ReadonlyArray<ProxiedConnection> {
    return this.entrances.flatMap((entrance) => [...entrance.connections])
  }

  traffic(): Traffic {
    return trafficOf(this.entrances, this.#ghosts.seen)
  }

  /** Keeps from now on what the one says to the other, for its ghost. */
  record(from: string, to: string): void {
    const lane = this.#lanes.get(`${from}>${to}`)
    if (lane !== undefined) this.#ghosts.record(lane)
  }

  // The faults.

  impair(select: Select, impairment: Impairment, random: Rng): Undo {
    const disturbance = new Disturbance(select, impairment, random)
    this.#disturbances.add(disturbance)
    this.#disturb(select)
    return this.#undo(() => {
      this.#disturbances.delete(disturbance)
      this.#disturb(select)
      return disturbance.touched
    })
  }

  silence(select: Select): number {
    return this.#struck(select).filter((connection) => connection.silence(select)).length
  }

  close(select: Select, how: FaultOf<"Close">["how"]): number {
    const struck = this.#struck(select)
    for (const connection of struck) connection.close(how, select)
    return struck.length
  }

  closeAfter(select: Select, bytes: number): Undo {
    const lanes = this.#selected(select)
    let blown = 0
    const take = () => lanes.forEach((lane) => lane.fuses.delete(fuse))
    const fuse: Fuse<() => void> = {
      left: bytes,
      blow: (reset) => {
        take()
        blown++
        reset()
      }
    }
    for (const lane of lanes) lane.fuses.add(fuse)
    return this.#undo(() => {
      take()
      return blown
    })
  }

  dials(select: Select, dialling: Dialling, random: Rng): Undo {
    const end =
      dialling.how === "refuse"
        ? refuse(this.#portsOf(select), dialling.share, random)
        : this.#rules.add(select, dialling, random)
    return this.#undo(() => {
      const touched = end()
      for (const entrance of this.entrances) entrance.adapt()
      return touched
    })
  }

  backlog(node: string, connections: number): Undo {
    const limit: Backlog = { node, most: connections, touched: 0 }
    this.#backlogs.add(limit)
    return this.#undo(() => {
      this.#backlogs.delete(limit)
      return limit.touched
    })
  }

  ghost(from: string, to: string): boolean {
    const target = this.entrance(from, to)?.target
    return target !== undefined && this.#ghosts.haunt(from, to, target)
  }

  heal(): void {
    for (const undo of this.#undos) undo()
  }

  exhaust(): never {
    throw new Error("a proxy cannot exhaust a host")
  }

  dns(): never {
    throw new Error("a proxy does not resolve names")
  }

  move(): never {
    throw new Error("a proxy cannot move a node")
  }

  /** Ends every connection after what is under way; `onEmpty` is called once none is left. */
  drain(onEmpty: () => void): void {
    this.heal()
    this.#onEmpty = onEmpty
    for (const connection of this.connections) {
      if (connection.isSilent) connection.destroy()
      else connection.close("fin", () => true)
    }
    this.#tellIfEmpty()
  }

  /** Ends everything at once. */
  destroy(): void {
    this.heal()
    for (const entrance of this.entrances) entrance.end()
    for (const connection of this.connections) connection.destroy()
    this.#ghosts.destroy()
  }

  #tellIfEmpty(): void {
    if (this.entrances.every(({ connections }) => connections.size === 0)) this.#onEmpty?.()
  }

  readonly #hasRoom = (node: string): boolean => {
    const limits = [...this.#backlogs].filter((limit) => limit.node === node)
    if (limits.length === 0) return true
    const entrances = this.entrances.filter((entrance) => entrance.to === node)
    const waiting = entrances.reduce((sum, { unanswered }) => sum + unanswered, 0)
    const reached = limits.filter(({ most }) => waiting >= most)
    for (const limit of reached) limit.touched++
    return reached.length === 0
  }

  #undo(run: () => number): Undo {
    const undo = () => {
      this.#undos.delete(undo)
      return run()
    }
    this.#undos.add(undo)
    return undo
  }

  #portsOf(select: Select): ReadonlyArray<LocalPort> {
    return this.entrances.flatMap((entrance) => {
      const port = select(entrance.from, entrance.to) ? this.#ports.get(entrance) : undefined
      return port === undefined ? [] : [port]
    })
  }

  #selected(select: Select): ReadonlyArray<Lane> {
    return [...this.#lanes.values()].filter(({ from, to }) => select(from, to))
  }

  #struck(select: Select): ReadonlyArray<ProxiedConnection> {
    return this.connections.filter((connection) => connection.isForwarded && connection.uses(select))
  }

  #disturb(select: Select): void {
    for (const lane of this.#selected(select)) {
      lane.disturb([...this.#disturbances].filter((disturbance) => disturbance.select(lane.from, lane.to)))
    }
  }
}
