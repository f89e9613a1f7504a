import { assert, beforeAll, describe, it } from "@effect/vitest"
import * as MemoryDatabases from "../../../src/testing/database/MemoryDatabases.ts"
import * as PgliteDatabases from "../../../src/testing/database/PgliteDatabases.ts"
import type { SimulatedDatabase } from "../../../src/testing/database/SimulatedDatabase.ts"
import type { World } from "../../../src/testing/world/World.ts"
import { newWorld, shuffled } from "./Program.ts"
import { type Options, run, type State, total } from "./Worker.ts"

interface Outcome {
  readonly state: State
  readonly hash: string
  readonly events: number
  readonly commits: number
}

type Runner = (seed: number, options: Options) => Promise<Outcome>

const runOn = async (world: World, database: SimulatedDatabase, options: Options): Promise<Outcome> => {
  const state = await run(world, database, options)
  return { state, hash: world.trace.hash, events: world.events, commits: database.commits }
}

const memory: Runner = (seed, options) => {
  const world = newWorld(seed, shuffled)
  return runOn(world, MemoryDatabases.make(world, "a"), options)
}

const pglite: Runner = async (seed, options) => {
  const world = newWorld(seed, shuffled)
  const { of, release } = await PgliteDatabases.acquire(["a"])
  try {
    return await runOn(world, of(world, "a"), options)
  } finally {
    await release()
  }
}

const harsh: Options = { users: 4, failing: true, harsh: true }

const sound = ({ rows, owed, events, positions }: State): void => {
  assert.strictEqual(
    rows.reduce((sum, value) => sum + value, 0),
    total
  )
  assert.strictEqual(owed.length, events.length)
  assert.deepStrictEqual(
    positions,
    positions.map((_, n) => BigInt(n + 1))
  )
}

describe("a simulated database", () => {
  beforeAll(async () => (await PgliteDatabases.acquire(["a"])).release())

  for (const [name, runner, seeds] of [
    ["memory", memory, 100],
    ["PGlite", pglite, 10]
  ] as const) {
    it(`makes runs of one seed equal, and never loses half a transaction: ${seeds} seeds on ${name}`, async () => {
      const hashes = new Set<string>()
      for (let seed = 0; seed < seeds; seed++) {
        const [once, again] = [await runner(seed, harsh), await runner(seed, harsh)]
        assert.deepStrictEqual(again, once)
        sound(once.state)
        hashes.add(once.hash)
      }
      assert.strictEqual(hashes.size, seeds)
    })
  }

  it("comes to the same end in memory and on PGlite", async () => {
    for (let seed = 0; seed < 5; seed++) {
      for (const options of [
        { users: 4, failing: false, harsh: false },
        { users: 1, failing: true, harsh: false }
      ]) {
        const [inMemory, onPglite] = [await memory(seed, options), await pglite(seed, options)]
        assert.deepStrictEqual(onPglite.state, inMemory.state)
        sound(inMemory.state)
      }
    }
  })
})
