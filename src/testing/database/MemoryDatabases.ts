/**
 * Simulated databases in memory: what nearly all runs use.
 *
 * The stores are the memory ones of production, which follow the same contracts as the SQL ones. Statements and commits
 * take virtual time on the node's clock. `SqlClient` is there by its name only: its use is a defect.
 */
import { Effect, Layer } from "effect"
import { type Hooks, MemoryDatabase } from "../../layers/MemoryDatabase.ts"
import * as StoresMemory from "../../layers/StoresMemory.ts"
import type { Process } from "../world/Process.ts"
import type { World } from "../world/World.ts"
import { DatabaseFaults } from "./DatabaseFaults.ts"
import * as NoSql from "./NoSql.ts"
import { maxSnapshots, type SimulatedDatabase } from "./SimulatedDatabase.ts"

const hooks = (faults: DatabaseFaults): Hooks => ({
  statement: Effect.suspend(() =>
    Effect.andThen(
      Effect.sleep(faults.untilStatement()),
      Effect.suspend(() => faults.refusal() ?? Effect.void)
    )
  ),
  commit: Effect.fnUntraced(function* (commit, wrote) {
    if (wrote) yield* Effect.sleep(faults.untilCommit())
    const before = faults.failure("before-commit")
    if (before !== undefined) return yield* before
    yield* commit
    if (wrote) {
      faults.committed()
      yield* Effect.sleep(faults.afterCommit())
    }
    const after = faults.failure("after-commit")
    if (after !== undefined) return yield* after
  })
})

/** An empty database for the node of this name. */
export const make = (world: World, node: string): SimulatedDatabase => {
  const faults = new DatabaseFaults(world, node)
  const database = MemoryDatabase.makeHooked(hooks(faults))
  const snapshots = new Map<number, () => void>()
  let taken = 0
  let user: Process | undefined
  const stores = Layer.mergeAll(StoresMemory.layerOn(database), Layer.succeed(MemoryDatabase, database), NoSql.layer)
  return {
    layer: (process) =>
      Layer.unwrap(
        Effect.sync(() => {
          // A life that ended in good order has not crashed, but none of its fibers will give anything back.
          if (user !== process) database.crash()
          user = process
          return Layer.fresh(stores)
        })
      ).pipe(Layer.provide(Layer.succeedContext(process.context))),
    crash: () => database.crash(),
    wipe: () => database.wipe(),
    snapshot: () => {
      const id = ++taken
      snapshots.set(id, database.snapshot())
      for (const oldest of snapshots.keys()) {
        if (snapshots.size <= maxSnapshots) break
        snapshots.delete(oldest)
      }
      return id
    },
    drop: (id) => void snapshots.delete(id),
    restore: (id) => {
      const restore = snapshots.get(id)
      if (restore === undefined) throw new Error(`backup ${id} of the database of ${node} is not kept`)
      restore()
    },
    slow: (sample) => faults.slow(sample),
    failing: (share, when, random) => faults.failing(share, when, random),
    restart: (forMillis) => {
      database.crash()
      return faults.down(forMillis)
    },
    get commits() {
      return faults.commits
    },
    get onCommit() {
      return faults.onCommit
    },
    set onCommit(listener) {
      faults.onCommit = listener
    },
    memory: database
  }
}
