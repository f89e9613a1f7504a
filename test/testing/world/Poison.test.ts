import { assert, describe, it } from "@effect/vitest"
import { Effect, HashSet } from "effect"
import * as NodeCrypto from "node:crypto"
import { Process } from "../../../src/testing/world/Process.ts"
import { fifo } from "../../../src/testing/world/Schedule.ts"
import { World } from "../../../src/testing/world/World.ts"

const leakOf = async (reach: () => unknown) => {
  const world = new World({ seed: 1, schedule: fifo })
  const process = new Process(world, "a", 1)
  // Whoever swallows the exception is found out all the same.
  process.fork(Effect.andThen(Effect.sleep(1), Effect.ignoreCause(Effect.sync(reach))))
  const stop = await world.run(() => false)
  return stop._tag === "Leaked" ? stop.leaks[0] : undefined
}

describe("reaching out of a world", () => {
  const leaks: ReadonlyArray<readonly [string, () => unknown]> = [
    ["Math.random", () => Math.random()],
    ["Date.now", () => Date.now()],
    ["new Date()", () => new Date()],
    ["performance.now", () => performance.now()],
    ["process.hrtime", () => process.hrtime()],
    ["setTimeout", () => setTimeout(() => undefined, 1)],
    ["setImmediate", () => setImmediate(() => undefined)],
    ["queueMicrotask", () => queueMicrotask(() => undefined)],
    ["crypto.randomUUID", () => crypto.randomUUID()],
    ["crypto.getRandomValues", () => crypto.getRandomValues(new Uint8Array(1))],
    ["node:crypto.randomBytes", () => NodeCrypto.randomBytes(8)]
  ]
  for (const [name, reach] of leaks) {
    it(`is found at its call site: ${name}`, async () => {
      const leak = await leakOf(reach)
      assert.strictEqual(leak?.what, name)
      assert.include(leak?.stack.split("\n")[0], "Poison.test.ts")
    })
  }

  it("is found where the world itself is called back as well, whatever it breaks there", async () => {
    const reached = async (prepare: (world: World) => unknown) => {
      const world = new World({ seed: 1, schedule: fifo })
      prepare(world)
      world.at(2, () => undefined)
      return (await world.run(() => world.now > 1))._tag
    }
    assert.strictEqual(await reached((world) => world.at(1, () => Date.now())), "Leaked")
    assert.strictEqual(await reached((world) => (world.onQuiet = () => Date.now())), "Leaked")
    const quietly = (world: World) => {
      world.onQuiet = () => {
        if (world.now < 2) return
        try {
          Date.now()
        } catch {
          // It is found out all the same, in the last instant too.
        }
      }
    }
    assert.strictEqual(await reached(quietly), "Leaked")
    assert.strictEqual(await reached(() => undefined), "Done")
  })

  it("leaves dates of given times alone", async () => {
    assert.strictEqual(await leakOf(() => new Date(5).getTime() + Date.UTC(2030, 1)), undefined)
  })

  it("is not what combining two failures is, although Effect gives functions in them random numbers then", async () => {
    const nested = (depth: number): object => (depth === 0 ? () => depth : { nested: nested(depth - 1) })
    for (const error of [nested(1), nested(20)]) {
      const world = new World({ seed: 1, schedule: fifo })
      let ended = false
      const failing = Effect.onExit(Effect.fail(error), () => Effect.fail(nested(2)))
      new Process(world, "a", 1).fork(Effect.andThen(Effect.sleep(1), Effect.exit(failing)), () => (ended = true))
      assert.strictEqual((await world.run(() => ended))._tag, "Done")
    }
    // A set of the scenario's own that goes by such numbers iterates in another order each time.
    const leak = await leakOf(() => HashSet.make(() => undefined))
    assert.strictEqual(leak?.what, "Math.random")
  })

  it("is no matter of what is printed", async () => {
    assert.strictEqual(await leakOf(() => console.debug("a word from a simulated world")), undefined)
    assert.strictEqual((await leakOf(() => (console.debug("a word"), Date.now())))?.what, "Date.now")
  })

  it("is possible again once the run is over", async () => {
    const before = [Date, Date.now, Math.random, setTimeout, NodeCrypto.randomBytes]
    await leakOf(() => Date.now())
    assert.deepStrictEqual([Date, Date.now, Math.random, setTimeout, NodeCrypto.randomBytes], before)
    assert.isAbove(new Date().getTime(), 0)
  })
})
