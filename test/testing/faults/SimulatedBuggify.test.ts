import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Random } from "effect"
import { Buggify, firing, none, passing, type Site, sites } from "../../../src/services/Buggify.ts"
import { SimulatedBuggify } from "../../../src/testing/faults/SimulatedBuggify.ts"
import { Poison } from "../../../src/testing/world/Poison.ts"
import { Process } from "../../../src/testing/world/Process.ts"
import { fifo } from "../../../src/testing/world/Schedule.ts"
import { World } from "../../../src/testing/world/World.ts"

const processOf = (seed: number): Process => new Process(new World({ seed, schedule: fifo }), "a", 1)
const [some, other] = firing
const quarter = 0.25
const [step] = passing

/** How often a site fires in so many passes. */
const fired = (buggify: SimulatedBuggify, site: (typeof firing)[number], passes: number): number => {
  let fires = 0
  for (let pass = 0; pass < passes; pass++) if (buggify.points.fires(site)) fires++
  return fires
}

/** How far the observed counts are from the expected ones; about as much as there are counts, if they agree. */
const chiSquare = (observed: ReadonlyArray<number>, expected: ReadonlyArray<number>): number =>
  observed.reduce((sum, count, i) => sum + (count - expected[i]!) ** 2 / expected[i]!, 0)

const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n - 1, k - 1) * n) / k)
const binomial = (n: number, share: number): ReadonlyArray<number> =>
  Array.from({ length: n + 1 }, (_, k) => choose(n, k) * share ** k * (1 - share) ** (n - k))

/** Runs a program at a process until the world has nothing more to do. */
const run = async (process: Process, effect: Effect.Effect<unknown>): Promise<boolean> => {
  let ended = false
  process.fork(effect, () => {
    ended = true
  })
  await process.world.run(() => ended)
  return ended
}

describe("SimulatedBuggify", () => {
  it("makes a site active in a quarter of the lives, and lets it fire at a quarter of its passes then", () => {
    const [seeds, passes] = [10_000, 40]
    const active = new Map(firing.map((site) => [site, 0]))
    const histogram = new Array<number>(passes + 1).fill(0)
    for (let seed = 0; seed < seeds; seed++) {
      const buggify = new SimulatedBuggify(processOf(seed), { active: "swarm" })
      for (const site of firing) {
        const fires = fired(buggify, site, passes)
        // An active site fires at none of 40 passes in one of 100,000 lives.
        if (fires > 0) active.set(site, active.get(site)! + 1)
        if (fires > 0 && site === some) histogram[fires] = histogram[fires]! + 1
      }
    }
    // 1 degree of freedom each, below 19.5 in all but one of 100,000 cases.
    for (const [site, lives] of active) {
      const distance = chiSquare([lives, seeds - lives], [seeds / 4, (seeds * 3) / 4])
      assert.isBelow(distance, 19.5, `${site} is active in ${lives} of ${seeds} lives`)
    }
    // Of 2,500 lives so many that at least 20 are expected for a number of fires: below 46 in all but one of 100,000 cases.
    const expected = binomial(passes, quarter).map((share) => share * active.get(some)!)
    const often = expected.flatMap((count, fires) => (count >= 20 ? [fires] : []))
    const distance = chiSquare(
      often.map((fires) => histogram[fires]!),
      often.map((fires) => expected[fires]!)
    )
    assert.isBelow(distance, 46, histogram.join())
  })

  it("gives every site habits of its own: two are active together in a sixteenth of the lives", () => {
    const seeds = 10_000
    const together = [0, 0, 0, 0]
    for (let seed = 0; seed < seeds; seed++) {
      const buggify = new SimulatedBuggify(processOf(seed), { active: "swarm" })
      const [one, two] = [some, other].map((site) => (fired(buggify, site, 40) > 0 ? 1 : 0))
      const at = 2 * one! + two!
      together[at] = together[at]! + 1
    }
    const expected = [9, 3, 3, 1].map((sixteenths) => (seeds * sixteenths) / 16)
    // 3 degrees of freedom, below 25.9 in all but one of 100,000 cases.
    assert.isBelow(chiSquare(together, expected), 25.9, together.join())
  })

  it("without a swarm fires only where it was activated, with the share that was said, until it is taken back", () => {
    const buggify = new SimulatedBuggify(processOf(1), { active: "none" })
    assert.strictEqual(fired(buggify, some, 1_000), 0)
    const undo = buggify.activate(some, 0.1)
    const tenth = fired(buggify, some, 10_000)
    assert.isAbove(tenth, 850)
    assert.isBelow(tenth, 1_150)
    const undoAll = buggify.activate(some, 1)
    assert.strictEqual(fired(buggify, some, 100), 100)
    undoAll()
    undoAll()
    const again = fired(buggify, some, 1_000)
    assert.isAbove(again, 50)
    assert.isBelow(again, 200)
    undo()
    assert.strictEqual(fired(buggify, some, 1_000), 0)
    assert.deepStrictEqual(buggify.counts.get(some), { passes: 13_100, fires: buggify.counts.get(some)!.fires })
    for (const site of sites)
      if (site !== some) assert.deepStrictEqual(buggify.counts.get(site), { passes: 0, fires: 0 })
  })

  it("does the same again for the same seed, name and life, whatever happens at other sites", () => {
    const habits = (process: Process, others: boolean) => {
      const buggify = new SimulatedBuggify(process, { active: "none" })
      buggify.activate(some, 0.5)
      buggify.activate(other, 0.5)
      return Array.from({ length: 200 }, () => {
        if (others) buggify.points.fires(other)
        return buggify.points.fires(some)
      })
    }
    assert.deepStrictEqual(habits(processOf(3), true), habits(processOf(3), false))
    assert.notDeepEqual(habits(processOf(3), false), habits(processOf(4), false))
    const later = new Process(new World({ seed: 3, schedule: fifo }), "a", 2)
    assert.notDeepEqual(habits(processOf(3), false), habits(later, false))
  })

  it("waits at a step up to 2 s of virtual time, mostly shortly, and says nothing of its own time otherwise", async () => {
    const process = processOf(5)
    const buggify = new SimulatedBuggify(process, { active: "none" })
    const waits: Array<number> = []
    const passOnce = Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const before = clock.currentTimeMillisUnsafe()
      yield* buggify.points.pass(step)
      waits.push(clock.currentTimeMillisUnsafe() - before)
    })
    const passOften = Effect.gen(function* () {
      for (let i = 0; i < 1_000; i++) yield* passOnce
    })
    await run(process, passOften)
    assert.strictEqual(Math.max(...waits), 0)
    buggify.activate(step, 1)
    waits.length = 0
    await run(process, passOften)
    const sorted = waits.toSorted((a, b) => a - b)
    assert.isAbove(sorted.at(-1)!, 1_500)
    assert.isBelow(sorted.at(-1)!, 2_000)
    assert.isBelow(sorted[500]!, 50)
    assert.isAbove(sorted[500]!, 15)
    assert.deepStrictEqual(buggify.counts.get(step), { passes: 2_000, fires: 1_000 })
  })

  it("tells of every pass before it decides, so that the nth one can be struck", () => {
    const passed: Array<Site> = []
    const buggify: SimulatedBuggify = new SimulatedBuggify(processOf(6), {
      active: "none",
      onPass: (site) => {
        passed.push(site)
        if (passed.length === 3) buggify.activate(some, 1)
      }
    })
    assert.deepStrictEqual(
      [1, 2, 3, 4].map(() => buggify.points.fires(some)),
      [false, false, true, true]
    )
    Effect.runSync(buggify.points.pass(step))
    assert.deepStrictEqual(passed, [some, some, some, some, step])
  })

  for (const [what, strike] of [
    ["killed", (process: Process) => process.kill()],
    ["paused", (process: Process) => process.pause()]
  ] as const) {
    it(`does not let a process that is ${what} at a step take the next one`, async () => {
      const process = processOf(7)
      const { points } = new SimulatedBuggify(process, { active: "none", onPass: () => strike(process) })
      let next = false
      const program = Effect.andThen(
        points.pass(step),
        Effect.sync(() => {
          next = true
        })
      )
      assert.isFalse(await run(process, program))
      assert.isFalse(next)
      process.resume()
      await process.world.run(() => next)
      assert.strictEqual(next, what === "paused")
    })
  }

  it("lets a process that is killed where something fires go no further than to its next operation", async () => {
    const process = processOf(8)
    const { points } = new SimulatedBuggify(process, { active: "none", onPass: () => process.kill() })
    const done: Array<string> = []
    const program = Effect.gen(function* () {
      yield* Effect.sync(() => {
        points.fires(some)
        done.push("this one")
      })
      yield* Effect.sync(() => done.push("the next one"))
    })
    assert.isFalse(await run(process, program))
    assert.deepStrictEqual(done, ["this one"])
  })
})

describe("Buggify", () => {
  it("draws nothing, waits nowhere and does nothing rare in production", () => {
    const poison = new Poison()
    const untouched = () => assert.fail("random numbers were drawn")
    const everySite = Effect.gen(function* () {
      const points = yield* Buggify
      assert.strictEqual(points, none)
      const strange = firing.filter((site) => points.fires(site))
      for (const site of passing) yield* points.pass(site)
      return strange
    }).pipe(Effect.provideService(Random.Random, { nextIntUnsafe: untouched, nextDoubleUnsafe: untouched }))
    poison.spread()
    try {
      assert.deepStrictEqual(Effect.runSync(everySite), [])
    } finally {
      poison.lift()
    }
    assert.deepStrictEqual(poison.leaks, [])
  })

  it("has names that say an area and what happens there, each once", () => {
    for (const site of sites) assert.match(site, /^[a-z]+\.[a-z]+(-[a-z]+)+$/)
    for (const site of passing) assert.match(site, /-before-/)
    assert.strictEqual(new Set(sites).size, sites.length)
  })
})
