/**
 * Simulated databases of PostgreSQL itself: an embedded one for each node, behind the production stores and the
 * production SQL client, which run in the world. What reaches the database is external work of the world, one statement
 * at a time, while virtual time stands still.
 */
import { Cause, Effect, Exit, Layer } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import * as Postgres from "../../layers/Postgres.ts"
import * as StoresSql from "../../layers/StoresSql.ts"
import type { Process } from "../world/Process.ts"
import type { World } from "../world/World.ts"
import { DatabaseFaults, type FailingWhen } from "./DatabaseFaults.ts"
import * as PgliteInstances from "./PgliteInstances.ts"
import { SessionInWorld } from "./SessionInWorld.ts"
import { maxSnapshots, type SimulatedDatabase } from "./SimulatedDatabase.ts"
import type { Rng } from "../world/Rng.ts"

/** Nodes that a run on PGlite can have: each needs some 250 MB. */
export const maxNodes = PgliteInstances.maxIdle

class PgliteDatabase implements SimulatedDatabase {
  readonly memory = undefined
  readonly #world: World
  readonly #node: string
  readonly #instance: PgliteInstances.Instance
  readonly #faults: DatabaseFaults
  readonly #snapshots = new Set<number>()
  /** Backups that wait for the end of the open transaction. */
  #waiting: Array<number> = []
  #taken = 0
  #session: SessionInWorld | undefined

  constructor(world: World, node: string, instance: PgliteInstances.Instance) {
    this.#world = world
    this.#node = node
    this.#instance = instance
    this.#faults = new DatabaseFaults(world, node)
  }

  layer(process: Process) {
    const session = Effect.sync(() => this.#sessionOf(process))
    const sessions: Postgres.Sessions = {
      use: (f) => Effect.flatMap(session, (it) => it.lock.withPermit(f(it))),
      get: Effect.tap(session, (it) => it.lock.takeScoped(1)),
      reserve: Effect.tap(session, (it) => it.lock.takeScoped(1))
    }
    const client = Layer.effect(SqlClient.SqlClient, Postgres.over(sessions, "pglite")).pipe(
      Layer.provide(Reactivity.layer)
    )
    return Layer.fresh(Layer.provideMerge(StoresSql.layer, client)).pipe(
      Layer.provide(Layer.succeedContext(process.context))
    )
  }

  crash(): void {
    if (this.#session === undefined) return
    this.#session.alive = false
    this.#session = undefined
    this.#external(this.#instance.tables.disconnect)
    this.#takeWaiting()
  }

  wipe(): void {
    this.crash()
    this.#external(this.#instance.tables.wipe)
  }

  snapshot(): number {
    const id = ++this.#taken
    this.#snapshots.add(id)
    this.#waiting.push(id)
    if (this.#session?.open !== true) this.#takeWaiting()
    return id
  }

  restore(id: number): void {
    if (!this.#snapshots.has(id)) throw new Error(`backup ${id} of the database of ${this.#node} is not kept`)
    this.crash()
    this.#external(this.#instance.tables.restore(id))
  }

  /** It makes room for newer ones in its turn: dropping it now would be work that a run without it has not. */
  drop(): void {}

  slow(sample: () => number): () => void {
    return this.#faults.slow(sample)
  }

  failing(share: number, when: FailingWhen, random?: Rng): () => void {
    return this.#faults.failing(share, when, random)
  }

  restart(forMillis: number): () => void {
    this.crash()
    return this.#faults.down(forMillis)
  }

  get commits(): number {
    return this.#faults.commits
  }

  get onCommit(): ((commits: number) => void) | undefined {
    return this.#faults.onCommit
  }

  set onCommit(listener: ((commits: number) => void) | undefined) {
    this.#faults.onCommit = listener
  }

  #sessionOf(process: Process): SessionInWorld {
    if (this.#session?.process === process) return this.#session
    this.crash()
    const session = new SessionInWorld(process, this.#instance.session, this.#faults, () => this.#takeWaiting())
    this.#session = session
    return session
  }

  #takeWaiting(): void {
    for (const id of this.#waiting.splice(0)) this.#external(this.#instance.tables.take(id))
    for (const id of this.#snapshots) {
      if (this.#snapshots.size <= maxSnapshots) break
      this.#snapshots.delete(id)
      this.#external(this.#instance.tables.forget(id))
    }
  }

  /** Work on the tables comes in its turn among the statements. Its failure is the end of the run. */
  #external(work: Effect.Effect<void, SqlError>): void {
    this.#world.external(
      () => Effect.runPromiseExit(work),
      0,
      (exit) => {
        if (Exit.isFailure(exit)) throw new Error(Cause.pretty(exit.cause))
      }
    )
  }
}

/** Empty databases for the nodes of one run, which has to release them. */
export const acquire = async (
  nodes: ReadonlyArray<string>
): Promise<{
  readonly of: (world: World, node: string) => SimulatedDatabase
  readonly release: () => Promise<void>
}> => {
  if (nodes.length > maxNodes) {
    throw new Error(
      `a run on PGlite has at most ${maxNodes} nodes, not ${nodes.length}: use fewer, or database: "memory"`
    )
  }
  const instances = new Map<string, PgliteInstances.Instance>()
  const release = async (): Promise<void> => {
    for (const instance of instances.values()) await PgliteInstances.putBack(instance)
    instances.clear()
  }
  try {
    for (const node of nodes) instances.set(node, await PgliteInstances.take())
  } catch (cause) {
    await release()
    throw cause
  }
  return {
    of: (world, node) => {
      const instance = instances.get(node)
      if (instance === undefined) throw new Error(`no database was acquired for ${node}`)
      return new PgliteDatabase(world, node, instance)
    },
    release
  }
}
