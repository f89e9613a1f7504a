/**
 * The network stack of one process life: its ports, its ends of connections, its dials under way. A ghost has one without
 * a process.
 */
import type { Process } from "../world/Process.ts"
import type { World } from "../world/World.ts"
import type { TraceEvent } from "../world/Trace.ts"
import type { Host } from "./Host.ts"

/** A dial that has not come to an end. */
export interface Dialling {
  readonly cancel: () => void
}

/** An end of a connection, as its stack sees it. */
export interface Owned {
  /** The program has not closed it. */
  readonly held: boolean
  drop(how: "rst" | "fin" | "silence"): void
}

/** A port that a program of the stack listens at. */
export interface Open {
  close(how: "rst" | "fin" | "silence"): void
}

export class Stack {
  readonly world: World
  readonly host: Host
  readonly process: Process | undefined
  /** Those that the program has not closed, and those that still have something to send. */
  readonly ends = new Set<Owned>()
  readonly ports = new Set<Open>()
  readonly dials = new Set<Dialling>()

  constructor(world: World, host: Host, process: Process | undefined) {
    this.world = world
    this.host = host
    this.process = process
  }

  /** What the program has open. */
  get sockets(): number {
    let held = 0
    for (const end of this.ends) if (end.held) held++
    return held + this.ports.size + this.dials.size
  }

  /** Lets something in to the programs of this life. */
  enter(run: () => void): void {
    if (this.process === undefined) run()
    else this.process.enter(run)
  }

  /** A program has closed a connection, so that another one may be accepted. */
  freed(): void {
    this.host.open--
    this.host.admit()
  }

  record(kind: string, detail: TraceEvent["detail"]): void {
    this.world.trace.record(this.world.now, this.host.name, kind, detail)
  }

  end(how: "rst" | "fin" | "silence"): void {
    for (const port of this.ports) port.close(how)
    for (const dial of this.dials) dial.cancel()
    for (const end of this.ends) end.drop(how)
  }
}
