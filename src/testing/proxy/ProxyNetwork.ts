/**
 * The network between real processes, as far as a proxy has it in hand: a lane for every direction between two nodes, an
 * entrance for every route, and the faults of both. The faults themselves are those of the simulator: this is the stage
 * that they strike on.
 */
import * as Net from "node:net"
import type { FaultOf } from "../faults/FaultPlan.ts"
import type { Dialling, Select, StageNetwork, Undo } from "../faults/Stage.ts"
import { Ghosts } from "../network/Ghosts.ts"
import { Disturbance, type Impairment } from "../network/Impairment.ts"
import type { NetModel } from "../network/NetModel.ts"
import { Rng } from "../world/Rng.ts"
import { type DialRule, Entrance } from "./Entrance.ts"
import { type Fuse, Lane } from "./Lane.ts"
import type { LocalPort } from "./LocalPort.ts"
import type { ProxiedConnection } from "./ProxiedConnection.ts"
import { breakOff } from "./Pump.ts"
import type { Route } from "./Route.ts"

/** What has gone through a proxy. */
export interface Traffic {
  /** Connections that are open now, those that wait among them. */
  readonly open: number
  /** Connections that wait to be forwarded. */
  readonly waiting: number
  /** Connections that the targets have taken, in all. */
  readonly forwarded: number
  /** Connections that were turned away: by a fault, for want of room, or because it is not known where they go. */
  readonly refused: number
  /** Open connections that will never carry a byte again. */
  readonly silent: number
  /** Connections of ghosts, in all. */
  readonly ghosts: number
  /** Bytes that went through, both ways together. */
  readonly bytes: number
  /** Bytes that wait in the proxy now. */
  readonly held: number
}

interface Limit {
  readonly node: string
  readonly most: number
  touched: number
}

/** For how long a port is open or shut in one go, where only a share of dials is refused. Milliseconds. */
const slice = 100
/** How long a ghost waits for a word, in milliseconds. */
const ghostPatience = 10_000
const mostGhosts = 64

export class ProxyNetwork implements StageNetwork {
  readonly entrances: ReadonlyArray<Entrance>
  onDialled: (() => void) | undefined
  readonly #lanes = new Map<string, Lane>()
  readonly #ports = new Map<Entrance, LocalPort>()
  readonly #disturbances = new Set<Disturbance>()
  readonly #rules = new Set<DialRule>()
  readonly #limits = new Set<Limit>()
  readonly #undos = new Set<() => void>()
  readonly #recorded = new Ghosts()
  readonly #ghosts = new Set<Net.Socket>()
  #ghostsSeen = 0
  #onEmpty: (() => void) | undefined

  constructor(routes: ReadonlyArray<Route>, model: NetModel, seed: string | number, maxConnections: number) {
    const lane = (from: string, to: string): Lane => {
      const key = `${from}>${to}`
      const made = this.#lanes.get(key) ?? new Lane(from, to, model, new Rng(seed, `net/${key}`))
      this.#lanes.set(key, made)
      return made
    }
    const house = {
      rules: this.#rules,
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
    const sum = (figure: (entrance: Entrance) => number) =>
      this.entrances.reduce((total, entrance) => total + figure(entrance), 0)
    return {
      open: sum(({ connections }) => connections.size),
      waiting: sum(({ waiting }) => waiting),
      forwarded: sum(({ forwarded }) => forwarded),
      refused: sum(({ refused }) => refused),
      silent: this.connections.filter(({ isSilent }) => isSilent).length,
      ghosts: this.#ghostsSeen,
      bytes: sum(({ bytes }) => bytes),
      held: this.connections.reduce((total, { held }) => total + held, 0)
    }
  }

  /** Keeps from now on what the one says to the other, for its ghost. */
  record(from: string, to: string): void {
    const lane = this.#lanes.get(`${from}>${to}`)
    if (lane !== undefined) lane.ghosts = this.#recorded
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
    const struck = this.#struck(select).filter(({ isSilent }) => !isSilent)
    for (const connection of struck) connection.silence(select)
    return struck.length
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
    const fuse: Fuse = {
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
    const rule: DialRule = { select, dialling, random, touched: 0 }
    this.#rules.add(rule)
    const open = dialling.how === "refuse" ? this.#refuse(rule) : () => undefined
    return this.#undo(() => {
      this.#rules.delete(rule)
      open()
      for (const entrance of this.entrances) entrance.adapt()
      return rule.touched
    })
  }

  backlog(node: string, connections: number): Undo {
    const limit: Limit = { node, most: connections, touched: 0 }
    this.#limits.add(limit)
    return this.#undo(() => {
      this.#limits.delete(limit)
      return limit.touched
    })
  }

  ghost(from: string, to: string): boolean {
    const recording = this.#recorded.last(from, to)
    const target = this.entrance(from, to)?.target
    if (recording === undefined || target === undefined || this.#ghosts.size >= mostGhosts) return false
    this.#ghostsSeen++
    const ghost = Net.createConnection({ host: target.host, port: target.port, allowHalfOpen: true })
    this.#ghosts.add(ghost)
    ghost
      .on("error", () => undefined)
      .on("close", () => this.#ghosts.delete(ghost))
      .on("end", () => ghost.end())
      .setTimeout(ghostPatience, () => ghost.destroy())
      .resume()
    for (const chunk of recording.chunks) ghost.write(chunk)
    return true
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
    for (const ghost of this.#ghosts) breakOff(ghost)
  }

  #tellIfEmpty(): void {
    if (this.entrances.every(({ connections }) => connections.size === 0)) this.#onEmpty?.()
  }

  /** Shuts the ports that the rule is about, all the time or its share of the time; opens them again when called. */
  #refuse(rule: DialRule): () => void {
    const ports = this.entrances.flatMap((entrance) => {
      const port = rule.select(entrance.from, entrance.to) ? this.#ports.get(entrance) : undefined
      return port === undefined ? [] : [port]
    })
    const draw = () => {
      for (const port of ports) {
        const shut = rule.random.next() < rule.dialling.share
        if (shut) rule.touched++
        if (shut) port.shut(rule)
        else port.open(rule)
      }
    }
    draw()
    const timer = rule.dialling.share < 1 ? setInterval(draw, slice) : undefined
    return () => {
      clearInterval(timer)
      for (const port of ports) port.open(rule)
    }
  }

  readonly #hasRoom = (node: string): boolean => {
    const limits = [...this.#limits].filter((limit) => limit.node === node)
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
