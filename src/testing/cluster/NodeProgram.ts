/**
 * What one life of a simulated node runs: the production node over simulated ground, the scenario's own services beside
 * it and its users upon it, until it is asked to stop.
 *
 * Only references differ from production: figures that the plan sets, and where frames, sites and logs are seen.
 */
import {
  type Cause,
  Context,
  Effect,
  type Fiber,
  type Latch,
  Layer,
  Logger,
  References,
  type Scope,
  Stream
} from "effect"
import type { Address } from "../../protocol/Address.ts"
import * as Ban from "../../protocol/link/Ban.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { Buggify } from "../../services/Buggify.ts"
import { DeliveryConfig } from "../../services/delivery/DeliveryConfig.ts"
import { BanPolicy } from "../../services/link/Bans.ts"
import { NodeChain } from "../../services/link/Beside.ts"
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
import { epoch, type Process } from "../world/Process.ts"
import { handledWith } from "./Erase.ts"
import * as ListenedTransport from "./ListenedTransport.ts"
import { Place } from "./Place.ts"
import type { Handling, Nodes, Running, Scenario, Watching } from "./Scenario.ts"

/** Where every node listens, at a host of its own. */
export const port = 7_000

export interface Options<R> {
  readonly network: SimulatedNetwork
  readonly scenario: Scenario<R>
  readonly name: string
  readonly identity: Identity["Service"]
  readonly database: SimulatedDatabase
  /** Figures of its own that are not as in production. */
  readonly knobs: Knobs
  /** The other nodes, once all are known. */
  readonly peers: () => ReadonlyArray<{ readonly name: string; readonly key: NodeKey; readonly address: Address }>
  readonly events: Events
}

/** What a node that runs tells its cluster, at the moment it happens. */
export interface Events extends ListenedTransport.Listening {
  readonly transition: (node: string, life: number, transition: Transition) => void
  readonly frame: (kind: number, bytes: number, from: string, to: NodeKey | undefined) => void
  /** A frame of the peer is about to be handled. */
  readonly heard: (node: string, peer: NodeKey | undefined) => void
  readonly site: (node: string, site: string) => void
  /** What the scenario's own services tell. */
  readonly told: Pick<Watching, "violated" | "count">
  /** A log line of level Warn and above. */
  readonly logged: (node: string, level: string, message: string, cause: Cause.Cause<unknown>) => void
}

/** What a life is to its node. */
export interface Life<R> {
  readonly process: Process
  readonly address: Address
  readonly buggify: SimulatedBuggify
  readonly stopping: Latch.Latch
  /** Everything runs; what it returns is what its users do, if they are let in. */
  readonly started: (services: Context.Context<Running | R>) => Effect.Effect<unknown, Error> | undefined
  /** Its users are at work. */
  readonly entered: (users: Fiber.Fiber<unknown, unknown>) => void
}

/** The points in the code of one life. Only what a fault activates is active. */
export const points = <R>({ events, name }: Options<R>, process: Process): SimulatedBuggify =>
  new SimulatedBuggify(process, { active: "none", onPass: (site) => events.site(name, site) })

/** Fails if the node cannot start; otherwise it goes on until `stopping` opens, and ends once everything is closed. */
export const program = <R>(options: Options<R>, life: Life<R>): Effect.Effect<void, Error> => {
  const { events, name, peers, scenario } = options
  const { process, stopping } = life
  const live = Effect.gen(function* () {
    const services = yield* build(options, life)
    yield* Context.get(services, Registry).transitions.pipe(
      Stream.runForEach((transition) => Effect.sync(() => events.transition(name, process.life, transition))),
      Effect.forkScoped({ startImmediately: true })
    )
    const nodes = nodesOf(options)
    for (const peer of peers()) {
      if (scenario.wants?.(name, peer.name, nodes) !== false) yield* Context.get(services, Node).connect(peer.address)
    }
    const users = life.started(services)
    if (users !== undefined) life.entered(yield* Effect.forkScoped(users))
    yield* stopping.await
  })
  return Effect.scoped(live).pipe(Effect.provide(surroundings(options, life)))
}

/** All of them, in the order of their names. */
const nodesOf = <R>({ identity: { key }, name, peers }: Options<R>): Nodes =>
  [{ name, key }, ...peers()].toSorted((a, b) => (a.name < b.name ? -1 : 1))

/** Which node a life is of. */
const placeOf = <R>(options: Options<R>, process: Process): Place["Service"] => ({
  name: options.name,
  life: process.life,
  nodes: nodesOf(options),
  trueMillis: () => epoch + Math.floor(process.world.now / 1_000),
  ...options.events.told
})

/** Everything that runs in a life, until its scope closes. */
const build = <R>(
  options: Options<R>,
  { address, process }: Life<R>
): Effect.Effect<Context.Context<Running | R>, Error, Scope.Scope> =>
  Effect.gen(function* () {
    const { database, events, identity, name, network, scenario } = options
    const ground = yield* Layer.build(
      Layer.mergeAll(
        ListenedTransport.layer(network, process, events),
        Layer.succeed(Identity, identity),
        Layer.succeed(Place, placeOf(options, process)),
        database.layer(process),
        Layer.succeedContext(process.context)
      )
    )
    const isSql = database.memory === undefined
    if (isSql && scenario.tables !== undefined) yield* Effect.provide(scenario.tables, ground)
    const own = yield* Effect.provide(Layer.build(scenario.services), ground)
    const node = Node.layer({
      protocols: scenario.protocols.map((protocol) => handledWith<Handling, R>(protocol, own)),
      listen: { host: network.addressOf(name), port },
      advertise: address
    })
    const chain = Context.get(own, NodeChain)
    const built = yield* Effect.provide(Layer.build(node), Context.add(ground, NodeChain, chain))
    return Context.merge(Context.merge(ground, built), own)
  })

const surroundings = <R>({ events, knobs, name }: Options<R>, { buggify }: Life<R>): Context.Context<never> => {
  const log = Logger.make<unknown, void>(({ cause, logLevel, message }) =>
    events.logged(name, logLevel, Array.isArray(message) ? message.map(String).join(" ") : String(message), cause)
  )
  return Context.empty().pipe(
    // Damaged bytes look like malice: whoever is banned for them must be back before a run is judged.
    Context.add(BanPolicy, { ...Ban.defaults, longestMillis: Ban.defaults.firstMillis }),
    Context.add(Buggify, buggify.points),
    Context.add(LinkConfig, linkConfig(knobs)),
    Context.add(DeliveryConfig, deliveryConfig(knobs)),
    Context.add(LinkTap, {
      sent: (peer, kind, bytes) => events.frame(kind, bytes, name, peer),
      received: (peer) => events.heard(name, peer)
    }),
    Context.add(Logger.CurrentLoggers, new Set([log])),
    Context.add(References.MinimumLogLevel, "Warn")
  )
}
