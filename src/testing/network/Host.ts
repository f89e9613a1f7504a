/** The machine of a node: its address, its ports, and how many connections it may have. It outlives its processes. */
import type { NetModel } from "./NetModel.ts"

/** A port that somebody listens at, as its host sees it. */
export interface Bound {
  /** Accepts what waits, as far as it may. */
  admit(): void
}

/** A limit that a fault sets. */
export interface Limit {
  readonly most: number
  /** How often it has kept something out. */
  touched: number
}

const firstEphemeral = 49_152
const lastEphemeral = 65_535

export class Host {
  readonly name: string
  address: string
  readonly ports = new Map<number, Bound>()
  /** Connections that programs have open. */
  open = 0
  /** Without power: it answers nothing until a process starts. */
  dark = false
  /** Limits that faults set. */
  readonly backlogs = new Set<Limit>()
  readonly capacities = new Set<Limit>()
  readonly #model: NetModel
  /** Ports that connections were dialled from. */
  readonly #used = new Set<number>()
  #next = firstEphemeral

  constructor(name: string, address: string, model: NetModel) {
    this.name = name
    this.address = address
    this.#model = model
  }

  /** Whether one more may wait at a port where so many do. */
  mayWait(waiting: number): boolean {
    return isWithin(waiting, this.#model.backlog, this.backlogs)
  }

  /** Whether one more connection may be open. */
  mayOpen(): boolean {
    return isWithin(this.open, this.#model.connections, this.capacities)
  }

  /** Accepts what waits, as far as it may. */
  admit(): void {
    for (const port of this.ports.values()) port.admit()
  }

  /** A port that nobody uses, taken; `undefined` if there is none. */
  takePort(): number | undefined {
    for (let tries = firstEphemeral; tries <= lastEphemeral; tries++) {
      const port = this.#next
      this.#next = port === lastEphemeral ? firstEphemeral : port + 1
      if (this.#used.has(port) || this.ports.has(port)) continue
      this.#used.add(port)
      return port
    }
    return undefined
  }

  givePort(port: number): void {
    this.#used.delete(port)
  }
}

/** Whether one more is within all limits; those that it is not feel it. */
const isWithin = (count: number, model: number, limits: ReadonlySet<Limit>): boolean => {
  let within = count < model
  for (const limit of limits) {
    if (count < limit.most) continue
    limit.touched++
    within = false
  }
  return within
}
