/** The machine of a node: its address, its ports, and how many connections it may have. It outlives its processes. */
import type { NetModel } from "./NetModel.ts"
import type { Port } from "./Port.ts"

const firstEphemeral = 49_152
const lastEphemeral = 65_535

export class Host {
  readonly name: string
  address: string
  readonly ports = new Map<number, Port>()
  /** Connections that programs have open. */
  open = 0
  /** Without power: it answers nothing until a process starts. */
  dark = false
  /** Limits that faults set. */
  readonly backlogs = new Set<{ readonly most: number }>()
  readonly capacities = new Set<{ readonly most: number }>()
  readonly #model: NetModel
  /** Ports that connections were dialled from. */
  readonly #used = new Set<number>()
  #next = firstEphemeral

  constructor(name: string, address: string, model: NetModel) {
    this.name = name
    this.address = address
    this.#model = model
  }

  /** Connections that may wait at one port. */
  get backlog(): number {
    return least(this.backlogs, this.#model.backlog)
  }

  get mayOpen(): boolean {
    return this.open < least(this.capacities, this.#model.connections)
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

const least = (limits: ReadonlySet<{ readonly most: number }>, model: number): number => {
  let least = model
  for (const { most } of limits) if (most < least) least = most
  return least
}
