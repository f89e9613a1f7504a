import { assert, describe, it } from "@effect/vitest"
import { each, type Freshness, mostSeeds, parse } from "../../../src/programs/sim/Seeds.ts"

const clock: Freshness = { clock: 1_800_000_000_000 }

const seedsOf = (text: string, freshness: Freshness = clock) => {
  const seeds = parse(text, freshness)
  return seeds._tag === "Success" ? [...each(seeds.success)] : seeds.failure.problem
}

describe("seeds", () => {
  it("are one, a list, ranges without their last, and all of these", () => {
    assert.deepStrictEqual(seedsOf("17"), [17])
    assert.deepStrictEqual(seedsOf("5,9, 12"), [5, 9, 12])
    assert.deepStrictEqual(seedsOf("0..3"), [0, 1, 2])
    assert.deepStrictEqual(seedsOf("0..2,7,9..11"), [0, 1, 7, 9, 10])
  })

  it("are fresh from the clock, or from a commit, and can be typed again", () => {
    assert.deepStrictEqual(seedsOf("fresh:2"), [1_800_000_000_000, 1_800_000_000_001])
    assert.deepStrictEqual(seedsOf("fresh:2", { commit: "00000000ff00" }), [255, 256])
    for (const freshness of [clock, { commit: "ffffffffffffffff" }]) {
      const seeds = parse("fresh:1000", freshness)
      assert.strictEqual(seeds._tag, "Success")
      if (seeds._tag === "Success") assert.deepStrictEqual(seedsOf(seeds.success.words), [...each(seeds.success)])
    }
  })

  it("are refused with what is wrong", () => {
    for (const [text, problem] of [
      ["", "there is an empty part"],
      ["1,,2", "there is an empty part"],
      ["-1", '"-1" is no seed and no range'],
      ["1.5", '"1.5" is no seed and no range'],
      ["1..", '"1.." is no seed and no range'],
      ["3..3", "the range 3..3 has no seed in it"],
      ["fresh:0", "there is no seed in it"],
      ["9999999999999999", `seeds are at most ${Number.MAX_SAFE_INTEGER - mostSeeds}`],
      ["0..10000001", "these are 10000001 seeds, 10000000 at most"]
    ] as const)
      assert.strictEqual(seedsOf(text), problem)
  })
})
