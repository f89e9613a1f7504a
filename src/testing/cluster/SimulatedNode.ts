/**
 * One node of a cluster over all its lives: a simulated process after the other, on a database that outlives them.
 *
 * A life begins with `start` and ends by `kill`, by `stop`, or because the node gave up by itself, as when its database
 * did not answer at the start; then it is started again, as a service manager would.
 */
import { Context, type Effect, type Exit, type Fiber, Latch } from "effect"
import { Address } from "../../protocol/Address.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Site } from "../../services/Buggify.ts"
import { Registry } from "../../services/link/Registry.ts"
import type { SimulatedDatabase } from "../database/SimulatedDatabase.ts"
import { Process } from "../world/Process.ts"
import type { World } from "../world/World.ts"
import { ActiveSites } from "./ActiveSites.ts"
import { within } from "./Erase.ts"
import * as NodeProgram from "./NodeProgram.ts"
import type { Running, Self } from "./Scenario.ts"

export interface Options<R> extends Omit<NodeProgram.Options<R>, "events"> {
  readonly world: World
  readonly operations: number
  /** Milliseconds that users stay. */
  readonly duration: number
  readonly events: Events
}

/** What a node tells its cluster, at the moment it happens. */
export interface Events extends NodeProgram.Events {
  /** The users of a life are done, have failed or died, or were sent away. */
  readonly left: (node: string, exit: Exit.Exit<unknown, unknown>) => void
  /** A life is over, gracefully or by a failure, and this is what is left of it. */
  readonly ended: (node: string, life: number, exit: Exit.Exit<unknown, unknown>, left: Remains) => void
}

/** What a process still holds. */
export interface Remains {
  readonly fibers: number
  readonly timers: number
  readonly sockets: number
}

/** How long after a life that ended by itself the next one begins, in milliseconds. */
const restartAfter = 1_000

export class SimulatedNode<R> {
  readonly name: string
  readonly key: NodeKey
  readonly address: Address
  readonly database: SimulatedDatabase
  /** The life that is, or was last. */
  process: Process | undefined
  /** What the life that runs offers, once it has started. */
  services: Context.Context<Running | R> | undefined
  /** Whether users are let in. */
  open = true
  readonly #options: Options<R>
  readonly #sites = new ActiveSites()
  #stopping: Latch.Latch | undefined
  #users: Fiber.Fiber<unknown, unknown> | undefined
  #wanted = false
  #lateness: (() => number) | undefined

  constructor(options: Options<R>) {
    this.#options = options
    this.name = options.name
    this.key = options.identity.key
    this.database = options.database
    this.address = new Address({
      key: this.key,
      host: options.network.nameOf(options.name),
      port: NodeProgram.port
    })
  }

  get life(): number {
    return this.process?.life ?? 0
  }

  get state(): Process["state"] {
    return this.process?.state ?? "dead"
  }

  /** Whether it was asked to stop and still runs. */
  get stopping(): boolean {
    return !this.#wanted && this.state !== "dead"
  }

  get registry(): Registry["Service"] | undefined {
    return this.services === undefined ? undefined : Context.get(this.services, Registry)
  }

  /** Begins a life, unless one is going on. */
  start(): void {
    this.#wanted = true
    if (this.state !== "dead") return
    const { world } = this.#options
    const process = new Process(world, this.name, this.life + 1, this.process)
    this.process = process
    process.lateness = this.#lateness
    const stopping = Latch.makeUnsafe(false)
    this.#stopping = stopping
    world.trace.record(world.now, this.name, "start", { life: process.life })
    const buggify = NodeProgram.points(this.#options, process)
    this.#sites.begin(buggify)
    const program = NodeProgram.program(this.#options, {
      process,
      address: this.address,
      buggify,
      stopping,
      started: (services) => this.#started(process, services),
      entered: (users) => {
        this.#users = users
        users.addObserver((exit) => this.#options.events.left(this.name, exit))
      }
    })
    // In a turn of its own, so that the last fiber is over as well.
    process.fork(program, (exit) => void world.at(world.now, () => this.#exited(process, exit)))
  }

  #started(process: Process, services: Context.Context<Running | R>): Effect.Effect<unknown, Error> | undefined {
    this.services = services
    const { users } = this.#options.scenario
    return users === undefined || !this.open ? undefined : within(users(this.self(process)), services)
  }

  #exited(process: Process, exit: Exit.Exit<unknown, unknown>): void {
    if (process.state === "dead") return
    const { events, network, world } = this.#options
    const left = { fibers: process.fibers, timers: process.timers, sockets: network.sockets(process) }
    process.kill()
    network.end(process, "fin")
    this.#over()
    events.ended(this.name, process.life, exit, left)
    if (this.#wanted) world.at(world.now + restartAfter * 1_000, () => (this.#wanted ? this.start() : undefined))
  }

  /** SIGKILL. `end` is what peers see of its connections. */
  kill(end: "rst" | "fin" | "silence"): void {
    const { process } = this
    this.#wanted = false
    if (process === undefined || process.state === "dead") return
    const { network, world } = this.#options
    world.trace.record(world.now, this.name, "kill", { life: process.life })
    process.kill()
    network.end(process, end)
    this.database.crash()
    this.#over()
  }

  /** Asks it to stop gracefully and not to come back by itself. */
  stop(): void {
    this.#wanted = false
    const { process } = this
    const stopping = this.#stopping
    if (process === undefined || stopping === undefined) return
    const { world } = this.#options
    world.trace.record(world.now, this.name, "stop", { life: process.life })
    process.enter(() => stopping.openUnsafe())
  }

  #over(): void {
    this.services = undefined
    this.#users = undefined
    this.#sites.end()
  }

  /** Makes a site of its code active, in this life and the next ones. */
  activate(site: Site, share: number): () => void {
    return this.#sites.activate(site, share)
  }

  /** Extra microseconds that each timer is late, in this life and the next ones. */
  late(sample: (() => number) | undefined): void {
    this.#lateness = sample
    if (this.process !== undefined) this.process.lateness = sample
  }

  /** Sends its users away: what they have begun is interrupted. */
  closeDoors(): void {
    this.open = false
    const users = this.#users
    this.#users = undefined
    if (users !== undefined) this.process?.enter(() => users.interruptUnsafe())
  }

  /** Runs something at the node, as long as it lives. */
  ask<A, E>(effect: Effect.Effect<A, E, Running | R>, answer: (exit: Exit.Exit<A, E>) => void): boolean {
    const { process, services } = this
    if (process === undefined || services === undefined || process.state !== "running") return false
    process.fork(within(effect, services), answer)
    return true
  }

  self(process: Process): Self {
    const { duration, operations, peers } = this.#options
    return {
      name: this.name,
      key: this.key,
      life: process.life,
      peers: peers(),
      operations,
      duration,
      random: process.rng("users")
    }
  }
}
