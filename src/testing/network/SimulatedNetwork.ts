/**
 * A network of simulated hosts over a world: the `Transport` of every process life, and everything that can be wrong.
 *
 * Streams behave as TCP does: bytes keep their order and none is lost, losses and partitions are delays, a write that
 * returned means only that the window took it. Everything that wakes a process goes through its `enter`.
 */
import { Layer } from "effect"
import { Endpoint } from "../../protocol/Address.ts"
import { type DialReason, Transport } from "../../services/link/Transport.ts"
import type { Process } from "../world/Process.ts"
import type { Rng } from "../world/Rng.ts"
import type { World } from "../world/World.ts"
import { Attempt } from "./Attempt.ts"
import type { DialFault } from "./DialRules.ts"
import { End } from "./End.ts"
import { Fabric } from "./Fabric.ts"
import type { Impairment, Select } from "./Impairment.ts"
import type { DnsFault } from "./Names.ts"
import type { NetModel } from "./NetModel.ts"
import * as Patience from "./Patience.ts"
import { Stack } from "./Stack.ts"
import type { Tally } from "./Tally.ts"
import * as TransportSimulated from "./TransportSimulated.ts"

/** Ends a fault, and tells how many connections, chunks or dials have felt it. */
export type Undo = () => number

/** Where ghosts dial from. */
const ghostHost = "*ghost"

export class SimulatedNetwork {
  readonly #fabric: Fabric
  readonly #stacks = new Map<Process, Stack>()

  constructor(world: World, model: NetModel) {
    this.#fabric = new Fabric(world, model)
  }

  /** Told, by the node's name, when a dial begins, and why when one fails. */
  set onDial(listener: (from: string, to: string, failed: DialReason | undefined) => void) {
    this.#fabric.onDial = listener
  }

  /** Told when a ghost is let in, and how many microseconds ago the connection ended whose bytes it brings. */
  onGhost: ((age: number) => void) | undefined

  /** The network stack of one process life; listeners and connections belong to the life. */
  transport(process: Process): Transport["Service"] {
    let stack = this.#stacks.get(process)
    if (stack === undefined) {
      const host = this.#fabric.names.host(process.name)
      host.dark = false
      stack = new Stack(this.#fabric.world, host, process)
      this.#stacks.set(process, stack)
    }
    return TransportSimulated.make(this.#fabric, stack)
  }

  layer(process: Process): Layer.Layer<Transport> {
    return Layer.sync(Transport, () => this.transport(process))
  }

  /** The address that a node has now; it listens there. */
  addressOf(node: string): string {
    return this.#fabric.names.host(node).address
  }

  /** A name that leads to the node wherever it is; looked up at each dial. */
  nameOf(node: string): string {
    this.#fabric.names.host(node)
    return this.#fabric.names.nameOf(node)
  }

  /** The process is dead: what peers see of its connections. With `silence` its host answers nothing before the next life. */
  end(process: Process, how: "rst" | "fin" | "silence"): void {
    const stack = this.#stacks.get(process)
    if (stack === undefined) return
    this.#stacks.delete(process)
    if (how === "silence") stack.host.dark = true
    stack.end(how)
  }

  /** Open connections, listeners and dials of this life. */
  sockets(process: Process): number {
    return this.#stacks.get(process)?.sockets ?? 0
  }

  /** From now on the selected ways are like this, too; where several faults meet the worst of each figure holds. */
  impair(select: Select, what: Impairment, random?: Rng): Undo {
    this.#record("impaired", { what: Object.keys(what).join(" ") })
    const undo = this.#fabric.paths.impair(select, what, random)
    return () => {
      this.#record("relieved", { what: Object.keys(what).join(" ") })
      return undo()
    }
  }

  /** The selected directions of the connections that are open now carry nothing any more, and nobody is told. */
  silence(select: Select): number {
    const pipes = this.#fabric.paths.pipes(select)
    for (const pipe of pipes) pipe.silence()
    this.#record("silenced", { connections: pipes.length })
    return pipes.length
  }

  /** Ends the selected directions of the connections that are open now: FIN after what is under way, or RST instead of it. */
  close(select: Select, how: "fin" | "rst" | "rst-as-end"): number {
    const pipes = this.#fabric.paths.pipes(select)
    for (const pipe of pipes) pipe.sever(how)
    this.#record("severed", { connections: pipes.length, how })
    return pipes.length
  }

  /** Resets the first connection by which this many more bytes of the selected ways have gone, all counted together. */
  closeAfter(select: Select, bytes: number): Undo {
    return this.#fabric.paths.closeAfter(select, bytes)
  }

  dials(select: Select, fault: DialFault, random?: Rng): Undo {
    return this.#fabric.dialRules.add(select, fault, random)
  }

  /** No more than this many connections wait at a port of the node; the others are left hanging. */
  backlog(node: string, most: number): Undo {
    const { backlogs } = this.#fabric.names.host(node)
    const limit = { most, touched: 0 }
    backlogs.add(limit)
    return () => {
      backlogs.delete(limit)
      return limit.touched
    }
  }

  /** The node has no more than this many connections: dials fail as exhausted, accepts wait. */
  exhaust(node: string, most: number): Undo {
    const host = this.#fabric.names.host(node)
    const limit = { most, touched: 0 }
    host.capacities.add(limit)
    return () => {
      if (host.capacities.delete(limit)) host.admit()
      return limit.touched
    }
  }

  dns(node: string, how: DnsFault): Undo {
    return this.#fabric.names.disturb(node, how)
  }

  /** The node has another address from now on; its connections are left behind at the old one. */
  move(node: string): void {
    const host = this.#fabric.names.host(node)
    this.#fabric.names.move(host)
    this.#record("moved", { node, to: host.address })
    for (const pipe of this.#fabric.paths.pipes((from, to) => (from === node) !== (to === node))) pipe.silence()
  }

  /** Sends again, from a host of its own, what `from` sent to `to` on a connection that is over; whether there was one. */
  ghost(from: string, to: string): boolean {
    const recording = this.#fabric.ghosts.last(from, to)
    if (recording === undefined) return false
    const host = this.#fabric.names.host(to)
    const port = host.ports.has(recording.port) ? recording.port : (host.ports.keys().next().value ?? recording.port)
    const stack = new Stack(this.#fabric.world, this.#fabric.names.host(ghostHost), undefined)
    this.#record("ghost", { from, to })
    new Attempt(this.#fabric, stack, new Endpoint({ host: host.address, port })).listen((outcome) => {
      if (!(outcome instanceof End)) return
      outcome.deaf = true
      this.onGhost?.(this.#fabric.world.now - recording.endedAt)
      for (const chunk of recording.chunks) outcome.out.write(chunk)
      // A peer that has died without a word never closes it.
      Patience.after(this.#fabric.world, Patience.longest, () => outcome.close())
    })
    return true
  }

  /** Nothing is wrong any more. What was silenced stays silent, and who moved has moved. */
  heal(): void {
    this.#record("healed", {})
    this.#fabric.dialRules.heal()
    this.#fabric.names.heal()
    this.#fabric.paths.heal()
  }

  /** What has gone from one node to another so far. */
  tally(from: string, to: string): Readonly<Tally> {
    return this.#fabric.paths.get(from, to).tally
  }

  #record(kind: string, detail: Readonly<Record<string, string | number | boolean>>): void {
    this.#fabric.world.trace.record(this.#fabric.world.now, "", kind, detail)
  }
}
