/**
 * Nodes without delivery in a simulated world: transport, secure channel, connection, heartbeat, supervision, all as in
 * production, with sessions that flood each other or say nothing.
 */
import { Effect, Layer, Logger } from "effect"
import * as IdentityMemory from "../../src/layers/IdentityMemory.ts"
import { MemoryDatabase } from "../../src/layers/MemoryDatabase.ts"
import * as PeerBookMemory from "../../src/layers/PeerBookMemory.ts"
import * as Frame from "../../src/protocol/link/Frame.ts"
import * as Heartbeat from "../../src/protocol/link/Heartbeat.ts"
import * as NodeSecret from "../../src/protocol/NodeSecret.ts"
import { Endpoint } from "../../src/protocol/Address.ts"
import * as Acceptor from "../../src/services/link/Acceptor.ts"
import * as HoldfastWire from "../../src/services/link/HoldfastWire.ts"
import { Identity } from "../../src/services/link/Identity.ts"
import * as LinkConfig from "../../src/services/link/LinkConfig.ts"
import { Links } from "../../src/services/link/Links.ts"
import { PeerBook } from "../../src/services/link/PeerBook.ts"
import { Registry } from "../../src/services/link/Registry.ts"
import { Self } from "../../src/services/link/Self.ts"
import { type Session, SessionHandler } from "../../src/services/link/Session.ts"
import { Supervisor } from "../../src/services/link/Supervisor.ts"
import { Transport } from "../../src/services/link/Transport.ts"
import { calm } from "../../src/testing/network/NetModel.ts"
import { SimulatedNetwork } from "../../src/testing/network/SimulatedNetwork.ts"
import { Process } from "../../src/testing/world/Process.ts"
import { World } from "../../src/testing/world/World.ts"

const port = 7_000
const frameKind = Frame.Kind.Data

export interface Options {
  readonly nodes: number
  /** Which nodes a node dials, by their numbers. */
  readonly dials: (node: number) => ReadonlyArray<number>
  readonly heartbeat: keyof typeof Heartbeat.profiles
  /** Bytes of the frames that every session sends without end; none if it is undefined. */
  readonly flood?: number | undefined
}

export class LinkWorld {
  readonly world = new World({
    seed: 1,
    schedule: { order: "uniform", preemptEvery: 200, demoteEvery: 0 },
    budget: 30 * 86_400_000
  })
  /** Frames that the handlers of sessions have taken. */
  frames = 0
  readonly #network = new SimulatedNetwork(this.world, calm)
  readonly #registries: Array<Registry["Service"]> = []

  constructor(options: Options) {
    for (let node = 0; node < options.nodes; node++) this.#start(node, options)
  }

  get sessions(): number {
    return this.#registries.reduce((sum, registry) => sum + registry.sessions().length, 0)
  }

  /** Runs until `done`, which is asked whenever nothing can run; anything but its coming true is an error. */
  async until(done: () => boolean): Promise<void> {
    const stop = await this.world.run(done)
    if (stop._tag !== "Done") throw new Error(JSON.stringify(stop))
  }

  #start(node: number, options: Options): void {
    const name = `n${node}`
    const process = new Process(this.world, name, 1)
    const layer = this.#layer(node, name, process, options)
    const dial = ({ key, endpoint }: { readonly key: typeof Identity.Service.key; readonly endpoint: Endpoint }) =>
      Effect.gen(function* () {
        yield* (yield* PeerBook).want(key, endpoint)
        yield* (yield* Supervisor).want(key, "asked")
      })
    const program = Effect.gen({ self: this }, function* () {
      this.#registries.push(yield* Registry)
      const listener = yield* (yield* Transport).listen({ host: this.#network.addressOf(name), port })
      yield* Effect.forkScoped(Acceptor.run(listener))
      for (const peer of options.dials(node)) {
        yield* dial({ key: keyOf(peer), endpoint: new Endpoint({ host: this.#network.addressOf(`n${peer}`), port }) })
      }
      return yield* Effect.never
    })
    process.fork(Effect.scoped(Effect.provide(program, layer)))
  }

  #layer(node: number, name: string, process: Process, { flood, heartbeat }: Options) {
    const base = Layer.mergeAll(
      IdentityMemory.layerFromSeed(seedOf(node)),
      PeerBookMemory.layer.pipe(Layer.provide(MemoryDatabase.layer)),
      this.#network.layer(process),
      Layer.succeed(LinkConfig.LinkConfig, { ...LinkConfig.defaults, heartbeat: Heartbeat.profiles[heartbeat] }),
      Layer.succeedContext(process.context),
      Logger.layer([])
    )
    const handler = Layer.succeed(SessionHandler, { run: (session) => this.#converse(session, flood) })
    return Supervisor.layer.pipe(
      Layer.provideMerge(Links.layer),
      Layer.provideMerge(Registry.layer),
      Layer.provide(handler),
      Layer.provide(HoldfastWire.layer),
      Layer.provideMerge(self(name)),
      Layer.provideMerge(base)
    )
  }

  #converse(session: Session, flood: number | undefined): Effect.Effect<void> {
    const take = Effect.forever(
      Effect.map(session.frames.takeAll, (frames) => {
        this.frames += frames.length
      })
    )
    if (flood === undefined) return take
    const body = new Uint8Array(flood).fill(7)
    return Effect.raceFirst(take, Effect.forever(session.send(frameKind, body)))
  }
}

const seedOf = (node: number): Uint8Array => {
  const seed = new Uint8Array(NodeSecret.seedSize)
  new DataView(seed.buffer).setUint32(0, node + 1)
  return seed
}
const keyOf = (node: number) => NodeSecret.fromSeed(seedOf(node)).key

const self = (name: string) =>
  Layer.effect(
    Self,
    Effect.map(Identity, ({ key }) => ({
      key,
      network: "bench",
      instance: "00000000-0000-4000-8000-000000000001",
      database: "00000000-0000-4000-8000-000000000002",
      incarnation: 1n,
      versions: { min: Frame.version, max: Frame.version },
      agent: name,
      protocols: [],
      listen: undefined
    }))
  )
