/**
 * What the tests of simulated databases have in common: worlds to run programs in, and a table to write to.
 */
import { Cause, type Context, Effect, Exit, Layer, Option, Scope } from "effect"
import type { SecureRandom } from "effect/crypto"
import { SqlError } from "effect/sql/SqlError"
import { inspect } from "node:util"
import { Endpoint } from "../../../src/protocol/Address.ts"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
import * as NodeKeys from "../../../src/protocol/NodeKey.ts"
import { PeerBook } from "../../../src/services/link/PeerBook.ts"
import type { SimulatedDatabase, Stored } from "../../../src/testing/database/SimulatedDatabase.ts"
import { Process } from "../../../src/testing/world/Process.ts"
import { fifo, type Schedule } from "../../../src/testing/world/Schedule.ts"
import { World } from "../../../src/testing/world/World.ts"

export const shuffled: Schedule = { order: "uniform", preemptEvery: 20, demoteEvery: 0 }

export const newWorld = (seed: string | number = 1, schedule: Schedule = fifo): World =>
  new World({ seed, schedule, budget: 3_600_000 })

/** The nth peer: the same one every time. */
export const peer = (n: number): NodeKey => NodeKeys.fromBytes(new Uint8Array(32).fill(n))

/** Writes a number for a peer, in one statement. */
export const put = (n: number, value: number): Effect.Effect<void, SqlError, PeerBook> =>
  PeerBook.use((book) => book.want(peer(n), new Endpoint({ host: "peer.example", port: value })))

/** What is written for a peer. */
export const get = (n: number): Effect.Effect<number | undefined, SqlError, PeerBook> =>
  Effect.map(
    PeerBook.use((book) => book.find(peer(n))),
    (entry) => entry?.endpoint?.port
  )

interface End<A> {
  exit: Exit.Exit<A, unknown> | undefined
}

/** One life of a node, whose programs share its stores. */
export class Life {
  readonly process: Process
  #services: Context.Context<Stored> | undefined
  private constructor(process: Process) {
    this.process = process
  }
  /** Begins a life and opens the stores. */
  static async begin(world: World, database: SimulatedDatabase, life = 1): Promise<Life> {
    const begun = new Life(new Process(world, "a", life))
    const layer = Layer.orDie(database.layer(begun.process))
    const build = Effect.flatMap(Scope.make(), (scope) => Layer.buildWithScope(layer, scope))
    begun.#services = await begun.#value(build)
    return begun
  }
  get services(): Context.Context<Stored> {
    if (this.#services === undefined) throw new Error("the life has not begun")
    return this.#services
  }
  /** Starts a program, and returns where its end will be. */
  start<A, E>(effect: Effect.Effect<A, E, Stored>): End<A> {
    return this.#start(Effect.provide(effect, this.services))
  }
  /** Runs a program to its end. */
  run<A, E>(effect: Effect.Effect<A, E, Stored>): Promise<Exit.Exit<A, unknown>> {
    return this.#run(Effect.provide(effect, this.services))
  }
  /** Runs a program that is to succeed. */
  value<A, E>(effect: Effect.Effect<A, E, Stored>): Promise<A> {
    return this.#value(Effect.provide(effect, this.services))
  }
  #start<A, E>(effect: Effect.Effect<A, E, SecureRandom.SecureRandom>): End<A> {
    const end: End<A> = { exit: undefined }
    this.process.fork(effect, (exit) => {
      end.exit = exit
    })
    return end
  }
  async #run<A, E>(effect: Effect.Effect<A, E, SecureRandom.SecureRandom>): Promise<Exit.Exit<A, unknown>> {
    const end = this.#start(effect)
    await until(this.process.world, () => end.exit !== undefined)
    if (end.exit === undefined) throw new Error("it has not ended")
    return end.exit
  }
  async #value<A, E>(effect: Effect.Effect<A, E, SecureRandom.SecureRandom>): Promise<A> {
    const exit = await this.#run(effect)
    if (Exit.isFailure(exit)) throw new Error(String(exit))
    return exit.value
  }
}

/** Lets the world run until this is so. */
export const until = async (world: World, done: () => boolean): Promise<void> => {
  const stop = await world.run(done)
  if (stop._tag !== "Done") throw new Error(`the world stopped: ${inspect(stop)}`)
}

/** Whether it failed with an error of the database that passes. */
export const failedPassing = (exit: Exit.Exit<unknown, unknown> | undefined): boolean =>
  exit !== undefined &&
  Exit.isFailure(exit) &&
  Option.exists(Cause.findErrorOption(exit.cause), (error) => error instanceof SqlError && error.isRetryable)
