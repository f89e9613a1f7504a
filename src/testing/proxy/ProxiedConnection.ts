/**
 * One connection through a proxy: the end that dialled, the end that it is forwarded to once there is one, and a pump
 * each way. It ends when both ends have ended, or when something breaks it.
 */
import * as Net from "node:net"
import type { Endpoint } from "../../protocol/Address.ts"
import type { FaultOf } from "../faults/FaultPlan.ts"
import type { Select } from "../faults/Stage.ts"
import { breakOff } from "./BreakOff.ts"
import type { Lane } from "./Lane.ts"
import { Pump } from "./Pump.ts"

/** How a connection is ended: FIN after what is under way, RST instead of it, or FIN instead of it. */
export type How = FaultOf<"Close">["how"]

export interface Events {
  /** The target has taken the connection. */
  readonly onForwarded: () => void
  /** Both ends are gone; the last event. */
  readonly onClosed: () => void
}

/** What the directions of a connection have to go through. */
export interface Lanes {
  /** From the node that dialled to the other one. */
  readonly there: Lane
  readonly back: Lane
}

/** How long a connection that was ended here, once both ends were told, waits for them to close theirs. Milliseconds. */
const linger = 2_000

export class ProxiedConnection {
  readonly #dialled: Net.Socket
  readonly #lanes: Lanes
  readonly #events: Events
  #target: Net.Socket | undefined
  #there: Pump | undefined
  #back: Pump | undefined
  /** Something on it was silenced, or it was never forwarded. */
  #silenced = false
  #closed = false
  /** Both ends are told that the other one has ended. */
  #closing = false
  #lingering: NodeJS.Timeout | undefined

  /** Adopts an accepted socket; nothing is read from it before `forward`. */
  constructor(dialled: Net.Socket, lanes: Lanes, events: Events) {
    this.#dialled = dialled
    this.#lanes = lanes
    this.#events = events
    dialled
      .setNoDelay(true)
      .pause()
      .on("error", () => this.#failed(this.#there, this.#back))
      .on("close", this.#ended)
  }

  /** Bytes brought to either end. */
  get bytes(): number {
    return (this.#there?.passed ?? 0) + (this.#back?.passed ?? 0)
  }

  /** Bytes that wait in the proxy. */
  get held(): number {
    return (this.#there?.held ?? 0) + (this.#back?.held ?? 0)
  }

  get isForwarded(): boolean {
    return this.#target !== undefined
  }

  /** Whether the target has said anything: nothing else shows that its program has accepted. */
  get isAnswered(): boolean {
    return this.#back?.hasSpoken === true
  }

  /** Whether it will never carry anything again, and nobody was told. */
  get isSilent(): boolean {
    return this.#silenced && this.#pumps.every(({ isStill }) => isStill)
  }

  /** Connects to the target and lets bytes pass both ways; once. */
  forward({ host, port }: Endpoint): void {
    if (this.#closed || this.#target !== undefined) return
    const target = Net.createConnection({ host, port, allowHalfOpen: true })
    this.#target = target
    target
      .setNoDelay(true)
      .pause()
      .on("connect", this.#events.onForwarded)
      .on("error", () => this.#failed(this.#back, this.#there))
      .on("close", this.#ended)
    this.#there = new Pump(this.#dialled, target, this.#lanes.there, this.reset, this.#linger)
    this.#back = new Pump(target, this.#dialled, this.#lanes.back, this.reset, this.#linger)
  }

  get #pumps(): ReadonlyArray<Pump> {
    return [this.#there, this.#back].filter((pump) => pump !== undefined)
  }

  /** Whether bytes of this connection go by one of these lanes. */
  uses(select: Select): boolean {
    const { back, there } = this.#lanes
    return select(there.from, there.to) || select(back.from, back.to)
  }

  /** Carries nothing any more in the selected directions, and nobody is told; whether it would have. */
  silence(select: Select): boolean {
    const struck = this.#pumps.filter(({ isStill, lane }) => !isStill && select(lane.from, lane.to))
    for (const pump of struck) pump.stop()
    this.#silenced ||= struck.length > 0
    return struck.length > 0
  }

  /** Never forwards it, and says nothing until the dialler gives up. */
  ignore(): void {
    this.#silenced = true
    this.#dialled.on("end", this.destroy).resume()
  }

  /** Ends it in the selected directions: that is where FIN or RST goes. */
  close(how: How, select: Select): void {
    const struck = this.#pumps.filter(({ lane }) => select(lane.from, lane.to))
    if (!this.isForwarded || (how === "rst" && struck.length === 2)) return this.reset()
    const then = struck.length === 2 ? "ignored" : "reset"
    for (const pump of struck) {
      if (how === "rst") pump.refuse()
      else pump.finish(how === "fin" ? "delivered" : "lost", then)
    }
    this.#closing ||= struck.length === 2
    this.#linger()
  }

  /** Ends at once, without a word about what was under way. */
  readonly destroy = (): void => {
    this.#dialled.destroy()
    this.#target?.destroy()
    this.#over()
  }

  /** Breaks it off at both ends at once. */
  readonly reset = (): void => {
    breakOff(this.#dialled)
    if (this.#target !== undefined) breakOff(this.#target)
    this.#over()
  }

  readonly #linger = (): void => {
    if (!this.#closing || this.#closed || !this.#pumps.every(({ isEmpty }) => isEmpty)) return
    this.#lingering ??= setTimeout(this.destroy, linger)
  }

  /** One end is gone: what it said before still goes to the other one, and then the news. */
  #failed(from: Pump | undefined, to: Pump | undefined): void {
    to?.stop()
    if (from === undefined) this.reset()
    else from.sourceFailed()
  }

  readonly #ended = (): void => {
    if (this.#dialled.destroyed && this.#target?.destroyed !== false) this.#over()
  }

  #over(): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#lingering)
    this.#there?.dispose()
    this.#back?.dispose()
    this.#events.onClosed()
  }
}
