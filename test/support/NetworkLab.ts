/** A simulated network under test: hosts by name, connections between them, and what the clock shows. */
import { Deferred, Effect, Exit, Queue, Scope } from "effect"
import { Endpoint } from "../../src/protocol/Address.ts"
import type { Accepted } from "../../src/services/link/Transport.ts"
import { calm, type NetModel } from "../../src/testing/network/NetModel.ts"
import { SimulatedNetwork } from "../../src/testing/network/SimulatedNetwork.ts"
import { Process } from "../../src/testing/world/Process.ts"
import type { World } from "../../src/testing/world/World.ts"
import { thisProcess } from "./InWorld.ts"
import { bytes, type End, read, use } from "./SocketEnd.ts"

/** Everything takes 10 ms, no more and no less. */
export const exact: NetModel = { ...calm, latency: { floor: 10, mean: 0, tailShare: 0, tail: 1 } }

/** What goes from the one to the other. */
export const oneWay =
  (from: string, to: string) =>
  (one: string, other: string): boolean =>
    one === from && other === to

export const everything = (): boolean => true

export const port = 4_000

export interface Arrival {
  readonly end: End
  readonly remote: Accepted["remote"]
}

export class NetworkLab {
  readonly world: World
  readonly network: SimulatedNetwork
  readonly #lives = new Map<string, Process>()

  constructor(world: World, model: NetModel) {
    this.world = world
    this.network = new SimulatedNetwork(world, model)
  }

  /** Milliseconds. */
  get now(): number {
    return this.world.now / 1_000
  }

  /** The life that runs at a node. */
  process(name: string): Process {
    const life = this.#lives.get(name)
    return life !== undefined && life.state !== "dead" ? life : this.#begin(name, (life?.life ?? 0) + 1)
  }

  transport(name: string) {
    return this.network.transport(this.process(name))
  }

  kill(name: string, how: "rst" | "fin" | "silence"): void {
    const process = this.process(name)
    process.kill()
    this.network.end(process, how)
  }

  /** Listens at a node; each connection lives until it is closed here. */
  readonly listen = Effect.fnUntraced(function* (this: NetworkLab, name: string, at = port) {
    const arrivals = yield* Queue.unbounded<Arrival>()
    const listener = yield* this.transport(name).listen({ host: this.network.addressOf(name), port: at })
    yield* Effect.forkScoped(
      listener.run(({ remote, socket }) =>
        Effect.gen(function* () {
          const own = yield* Scope.fork(yield* Effect.scope)
          const done = yield* Deferred.make<void>()
          const end = yield* Effect.orDie(use(socket, own))
          yield* Queue.offer(arrivals, {
            remote,
            end: { ...end, close: Effect.asVoid(Deferred.succeed(done, undefined)) }
          })
          yield* Deferred.await(done)
          yield* Scope.close(own, Exit.void)
        }).pipe(Effect.scoped)
      ),
      { startImmediately: true }
    )
    return { accept: Queue.take(arrivals) }
  }).bind(this)

  readonly dial = Effect.fnUntraced(function* (this: NetworkLab, from: string, to: string, at = port) {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const endpoint = new Endpoint({ host: to.includes(".") ? to : this.network.nameOf(to), port: at })
    const socket = yield* Scope.provide(this.transport(from).dial(endpoint), scope)
    return yield* Effect.orDie(use(socket, scope))
  }).bind(this)

  /** A connection between two nodes, of which the second listens. */
  readonly pair = Effect.fnUntraced(function* (this: NetworkLab, from: string, to: string) {
    const { accept } = yield* this.listen(to)
    const near = yield* this.dial(from, to)
    return { near, far: (yield* accept).end, accept }
  }).bind(this)

  /** Milliseconds until so many bytes that the one writes have been read by the other. */
  readonly crossing = Effect.fnUntraced(function* (this: NetworkLab, from: End, to: End, size = 1) {
    const began = this.world.now
    yield* Effect.forkChild(from.write(bytes(size)), { startImmediately: true })
    yield* read(to, size)
    return (this.world.now - began) / 1_000
  }).bind(this)

  /** Milliseconds that an effect takes. */
  readonly timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.suspend(() => {
      const began = this.world.now
      return Effect.map(effect, (value) => ({ value, took: (this.world.now - began) / 1_000 }))
    })

  #begin(name: string, life: number): Process {
    const process = new Process(this.world, name, life)
    this.#lives.set(name, process)
    return process
  }
}

/** A network in the world of the test. */
export const networkLab = (model: NetModel = exact): Effect.Effect<NetworkLab> =>
  Effect.map(thisProcess, ({ world }) => new NetworkLab(world, model))
