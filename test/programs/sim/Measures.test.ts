import { assert, describe, it } from "@effect/vitest"
import { profileNames } from "../../../src/programs/sim/Drawing.ts"
import * as HeapSlope from "../../../src/programs/sim/HeapSlope.ts"
import { codeOf, gravest } from "../../../src/programs/sim/SimExit.ts"
import { chunk, cut, longPlan } from "../../../src/programs/sim/SoakPlan.ts"
import { called } from "../../../src/programs/sim/SimFlags.ts"
import * as Wilson from "../../../src/programs/sim/Wilson.ts"
import * as Swarm from "../../../src/testing/faults/Swarm.ts"

const near = (actual: readonly [number, number], expected: readonly [number, number]) => {
  for (const [index, value] of expected.entries()) assert.closeTo(actual[index]!, value, 0.0005)
}

describe("the interval of a share", () => {
  it("is the one of Wilson's score", () => {
    near(Wilson.interval(10, 100), [0.0552, 0.1744])
    near(Wilson.interval(1, 2_000), [0.0001, 0.0028])
  })

  it("reaches its end where all or nothing was seen, and says nothing of nothing", () => {
    near(Wilson.interval(0, 10), [0, 0.2775])
    near(Wilson.interval(10, 10), [0.7225, 1])
    assert.deepStrictEqual(Wilson.interval(0, 0), [0, 1])
  })
})

describe("the slope of a heap", () => {
  const samples = (heap: (index: number) => number) =>
    Array.from({ length: 20 }, (_, index) => ({ virtualMillis: index * 1_000, heap: heap(index) }))

  it("is that of the line through its samples, without those of the beginning", () => {
    assert.closeTo(HeapSlope.slope(samples((index) => 50_000 + index * 3_000)).bytes, 3, 1e-9)
    const warming = samples((index) => (index < 10 ? index * 1_000_000 : 7_000_000))
    assert.deepStrictEqual(HeapSlope.slope(warming), { bytes: 0, error: 0 })
    assert.deepStrictEqual(HeapSlope.slope(samples((index) => index).slice(0, 5)), { bytes: 0, error: 0 })
    assert.deepStrictEqual(HeapSlope.slope([]), { bytes: 0, error: 0 })
  })

  it("is as uncertain as its samples are off the line", () => {
    // The sum of the squares less what the line explains, for each degree of freedom and by the spread of the times.
    const { bytes, error } = HeapSlope.slope(samples((index) => (index % 2) * 3_000))
    assert.closeTo(bytes, 1 / 11, 1e-9)
    assert.closeTo(error, Math.sqrt((22_500_000 - bytes ** 2 * 82_500_000) / 8 / 82_500_000), 1e-9)
  })

  it("is told for 10,000 sessions", () => {
    assert.strictEqual(HeapSlope.perCycles(2, 1_000_000, 5_000), 4_000_000)
    assert.strictEqual(HeapSlope.perCycles(2, 1_000_000, 0), 0)
  })

  it("is a leak only where there were sessions enough to tell, and if it surely is one", () => {
    const { allowed, enough, isLeak } = HeapSlope
    assert.isTrue(isLeak(allowed + 1, 0, enough))
    assert.isFalse(isLeak(allowed, 0, enough))
    assert.isFalse(isLeak(100 * allowed, 0, enough - 1))
    assert.isTrue(isLeak(allowed + 2_001, 1_000, enough))
    assert.isFalse(isLeak(allowed + 2_000, 1_000, enough))
  })
})

describe("the plan of a soak", () => {
  const hours = 3
  const plan = longPlan(1, { profile: "swarm", duration: hours * 3_600_000 })

  it("has faults in every minute but a few, all at a time of their own", () => {
    const times = plan.faults.map(({ when }) => ("at" in when ? when.at : -1))
    assert.deepStrictEqual(
      times,
      [...times].sort((a, b) => a - b)
    )
    assert.isAtLeast(times[0]!, 0)
    assert.isBelow(times.at(-1)!, plan.duration)
    assert.isAbove(new Set(times.map((at) => Math.floor(at / chunk))).size, hours * 60 * 0.9)
  })

  it("has none that would last to its end", () => {
    for (const { fault } of plan.faults) {
      if (fault._tag === "CloseAfter" || fault._tag === "ClockDrift") assert.strictEqual(fault.for, chunk)
      if ("for" in fault) assert.isAtMost(fault.for ?? Number.POSITIVE_INFINITY, 10 * chunk)
    }
  })

  it("takes backups in the minute in which they come back", () => {
    const backups = plan.faults.flatMap(({ fault, when }) =>
      fault._tag === "RestoreBackup" && "at" in when ? [[fault.takenAt, when.at] as const] : []
    )
    assert.isAbove(backups.length, 0)
    for (const [taken, at] of backups) assert.strictEqual(Math.floor(taken / chunk), Math.floor(at / chunk))
  })

  it("is the same for the same seed, and of a failure has only what had come", () => {
    assert.deepStrictEqual(longPlan(1, { profile: "swarm", duration: hours * 3_600_000 }), plan)
    const early = cut(plan, 600_000)
    assert.isBelow(early.faults.length, plan.faults.length / 10)
    assert.deepStrictEqual(early.faults, plan.faults.slice(0, early.faults.length))
  })
})

describe("what commands of the simulator say", () => {
  it("names every profile that there is", () => {
    assert.deepStrictEqual([...profileNames], [...Swarm.profileNames])
  })

  it("ends with the gravest of several verdicts", () => {
    const verdicts = [
      { _tag: "Held" },
      { _tag: "Stuck", property: "", detail: "" },
      { _tag: "Broken", detail: "" },
      { _tag: "Leaked", what: "", stack: "" },
      { _tag: "Unsafe", property: "", detail: "" }
    ] as const
    assert.deepStrictEqual(verdicts.map(codeOf), [0, 3, 5, 4, 2])
    for (const [index] of verdicts.entries())
      assert.strictEqual(gravest(verdicts.slice(0, index + 1).map(codeOf)), codeOf(verdicts[index]!))
    assert.strictEqual(gravest([]), 0)
  })
})

describe("commands that are to be typed", () => {
  it("begin as the program was called", () => {
    assert.strictEqual(called({}), "holdfast sim")
    assert.strictEqual(called({ npm_lifecycle_event: "sim" }), "npm run sim --")
    assert.strictEqual(called({ npm_lifecycle_event: "npx" }), "npx holdfast sim")
    assert.strictEqual(called({ npm_lifecycle_event: "test" }), "holdfast sim")
  })
})
