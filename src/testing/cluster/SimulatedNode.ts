/**
 * One node of a cluster over all its lives: the production node in a simulated process, on a database that outlives it.
 *
 * A life begins with `start` and ends by `kill`, by `stop`, or because the node gave up by itself, as when its database
 * did not answer at the start; then it is started again, as a service manager would.
 */
import {
  Cause,
  Context,
  Effect,
  Exit,
  Fiber,
  Latch,
  Layer,
  Logger,
  Option,
  References,
  type Scope,
  Stream
} from "effect"
import { Address } from "../../protocol/Address.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { Buggify, type Site } from "../../services/Buggify.ts"
import { DeliveryConfig } from "../../services/delivery/DeliveryConfig.ts"
import { Identity } from "../../services/link/Identity.ts"
import { LinkConfig } from "../../services/link/LinkConfig.ts"
import { LinkTap } from "../../services/link/LinkTap.ts"
import { Registry } from "../../services/link/Registry.ts"
import type { Transition } from "../../services/link/Transition.ts"
import { Node } from "../../services/Node.ts"
import type { SimulatedDatabase } from "../database/SimulatedDatabase.ts"
import { deliveryConfig, type Knobs, linkConfig } from "../faults/Knobs.ts"
import { SimulatedBuggify } from "../faults/SimulatedBuggify.ts"
import type { SimulatedNetwork } from "../network/SimulatedNetwork.ts"
import { Process } from "../world/Process.ts"
import type { World } from "../world/World.ts"
import { handledWith, within } from "./Erase.ts"
import type { Handling, Running, Scenario, Self } from "./Scenario.ts"

export interface Options<R> {
  readonly world: World
  readonly network: SimulatedNetwork
  readonly scenario: Scenario<R>
  readonly name: string
  readonly identity: Identity["Service"]
  readonly database: SimulatedDatabase
  readonly operations: number
  /** Figures of its own that are not as in production. */
  readonly knobs: Knobs
  /** Milliseconds that users stay. */
  readonly duration: number
  /** The other nodes, once all are known. */
  readonly peers: () => ReadonlyArray<{ readonly name: string; readonly key: NodeKey; readonly address: Address }>
  readonly events: Events
}

/** What a node tells its cluster, at the moment it happens. */
export interface Events {
  readonly transition: (node: string, life: number, transition: Transition) => void
  readonly frame: (kind: number, bytes: number, from: string, to: NodeKey | undefined) => void
  /** A frame of the peer is about to be handled. */
  readonly heard: (node: string, peer: NodeKey | undefined) => void
  readonly site: (node: string, site: string) => void
  /** A log line of level Warn and above. */
  readonly logged: (node: string, level: string, message: string, cause: Cause.Cause<unknown>) => void
  /** A life is over, gracefully or by a failure, and this is what is left of it. */
  readonly ended: (node: string, life: number, exit: Exit.Exit<unknown, unknown>, left: Remains) => void
}

/** What a process still holds. */
export interface Remains {
  readonly fibers: number
  readonly timers: number
  readonly sockets: number
}

export const port = 7_000
/** How long after a life that ended by itself the next one begins, in milliseconds. */
const restartAfter = 1_000

export class SimulatedNode<R> {
  readonly name: string
  readonly key: NodeKey
  readonly address: Address
  readonly database: SimulatedDatabase
  /** The life that is, or was last. */
  process: Process | undefined
  buggify: SimulatedBuggify | undefined
  /** What the life that runs offers, once it has started. */
  services: Context.Context<Running | R> | undefined
  /** Whether users are let in. */
  open = true
  readonly #options: Options<R>
  #stopping: Latch.Latch | undefined
  #users: Fiber.Fiber<unknown, unknown> | undefined
  #wanted = false
  #lateness: (() => number) | undefined
  readonly #sites = new Map<Site, number>()
  readonly #deactivate = new Map<Site, () => void>()

  constructor(options: Options<R>) {
    this.#options = options
    this.name = options.name
    this.key = options.identity.key
    this.database = options.database
    this.address = new Address({ key: this.key, host: options.network.nameOf(options.name), port })
  }

  get life(): number {
    return this.process?.life ?? 0
  }

  get state(): Process["state"] {
    return this.process?.state ?? "dead"
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
    this.#stopping = Latch.makeUnsafe(false)
    world.trace.record(world.now, this.name, "start", { life: process.life })
    // In a turn of its own, so that the last fiber is over as well.
    process.fork(this.#program(process, this.#stopping), (exit) => {
      world.at(world.now, () => this.#exited(process, exit))
    })
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
    this.#options.world.trace.record(this.#options.world.now, this.name, "stop", { life: process.life })
    process.enter(() => stopping.openUnsafe())
  }

  /** The disk is lost: the next life begins on an empty database. */
  forgetDisk(): void {
    this.database.wipe()
  }

  /** Whether it was asked to stop and still runs. */
  get stopping(): boolean {
    return !this.#wanted && this.state !== "dead"
  }

  /** Makes a site of its code active, in this life and the next ones. */
  activate(site: Site, share: number): () => void {
    this.#sites.set(site, share)
    this.#activate(site, share)
    return () => {
      this.#sites.delete(site)
      this.#deactivate.get(site)?.()
    }
  }

  #activate(site: Site, share: number): void {
    const undo = this.buggify?.activate(site, share)
    if (undo !== undefined) this.#deactivate.set(site, undo)
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

  #over(): void {
    this.services = undefined
    this.#users = undefined
    this.buggify = undefined
  }

  #program(process: Process, stopping: Latch.Latch): Effect.Effect<void, Error> {
    const { events, scenario } = this.#options
    const live = Effect.gen({ self: this }, function* () {
      const services = yield* this.#build(process)
      yield* Context.get(services, Registry).transitions.pipe(
        Stream.runForEach((transition) => Effect.sync(() => events.transition(this.name, process.life, transition))),
        Effect.forkScoped({ startImmediately: true })
      )
      for (const peer of this.#options.peers()) {
        if (scenario.wants?.(this.name, peer.name) !== false) yield* Context.get(services, Node).connect(peer.address)
      }
      this.services = services
      const { users } = scenario
      if (users !== undefined && this.open) {
        this.#users = yield* Effect.forkScoped(within(users(this.self(process)), services))
      }
      yield* stopping.await
    })
    return Effect.scoped(live).pipe(Effect.provide(this.#surroundings(process)))
  }

  /** Everything that runs in a life, until its scope closes. */
  #build(process: Process): Effect.Effect<Context.Context<Running | R>, Error, Scope.Scope> {
    const { identity, network, scenario } = this.#options
    return Effect.gen({ self: this }, function* () {
      const ground = yield* Layer.build(this.#ground(process, identity))
      const isSql = this.database.memory === undefined
      if (isSql && scenario.tables !== undefined) yield* Effect.provide(scenario.tables, ground)
      const own = yield* Effect.provide(Layer.build(scenario.services), ground)
      const node = Node.layer({
        protocols: scenario.protocols.map((protocol) => handledWith<Handling, R>(protocol, own)),
        listen: { host: network.addressOf(this.name), port },
        advertise: this.address
      })
      return Context.merge(Context.merge(ground, yield* Effect.provide(Layer.build(node), ground)), own)
    })
  }

  #ground(process: Process, identity: Identity["Service"]) {
    const { database, network } = this.#options
    return Layer.mergeAll(
      network.layer(process),
      Layer.succeed(Identity, identity),
      database.layer(process),
      Layer.succeedContext(process.context)
    )
  }

  /** References that differ from production: figures, and where frames, sites and logs are seen. */
  #surroundings(process: Process): Context.Context<never> {
    const { events, knobs } = this.#options
    const buggify = new SimulatedBuggify(process, {
      active: "none",
      onPass: (site) => events.site(this.name, site)
    })
    this.buggify = buggify
    for (const [site, share] of this.#sites) this.#activate(site, share)
    const log = Logger.make<unknown, void>(({ cause, logLevel, message }) =>
      events.logged(
        this.name,
        logLevel,
        Array.isArray(message) ? message.map(String).join(" ") : String(message),
        cause
      )
    )
    return Context.empty().pipe(
      Context.add(Buggify, buggify.points),
      Context.add(LinkConfig, linkConfig(knobs)),
      Context.add(DeliveryConfig, deliveryConfig(knobs)),
      Context.add(LinkTap, {
        sent: (peer, kind, bytes) => events.frame(kind, bytes, this.name, peer),
        received: (peer) => events.heard(this.name, peer)
      }),
      Context.add(Logger.CurrentLoggers, new Set([log])),
      Context.add(References.MinimumLogLevel, "Warn")
    )
  }
}

/** The first failure of an exit, in words, down to what caused it. */
export const failureOf = (exit: Exit.Exit<unknown, unknown>): string | undefined =>
  Exit.isSuccess(exit)
    ? undefined
    : Option.match(Cause.findErrorOption(exit.cause), { onNone: () => Cause.pretty(exit.cause), onSome: reasons })

const reasons = (error: unknown): string =>
  error instanceof Error && error.cause !== undefined ? `${error}: ${reasons(error.cause)}` : String(error)
